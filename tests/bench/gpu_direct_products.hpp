#pragma once

#include <cstddef>

#include <cublas_v2.h>

#include "gpu/cuda/shared_library.hpp"

namespace troupe::bench {

/// cuBLAS without Troupe between: square products on one stream, set up as
/// gpu/cuda/blas.cpp sets it up. Operands in bf16 or fp32, sums in fp32.
class direct_products {
public:
  direct_products(cudaStream_t on, bool bf16);
  ~direct_products();
  direct_products(const direct_products&) = delete;
  direct_products& operator=(const direct_products&) = delete;

  /// c = a * b, all row-major with `edge` rows.
  void multiply(std::size_t edge, const void* a, const void* b, float* c);

private:
  gpu::cuda::shared_library file_{"libcublas.so.13", "libcublas.so.12"};
  cudaDataType type_;
  cublasHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
};

} // namespace troupe::bench
