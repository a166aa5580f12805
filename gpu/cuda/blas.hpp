#pragma once

#include <cstddef>
#include <string>

#include <cuda_runtime.h>

#include "gpu/precision.hpp"

namespace troupe::gpu::cuda {

using gpu::precision;

/// cuBLAS on one stream, with a workspace of its own, so that equal calls give
/// equal bits whatever else the device does. TF32 stays off. cuBLAS is opened
/// when the first one is made; where it is missing that throws `cuda_error`
/// with what to install.
class blas {
public:
  explicit blas(cudaStream_t on);
  ~blas();
  blas(const blas&) = delete;
  blas& operator=(const blas&) = delete;

  /// "cuBLAS 13.1.0"; why there is none, where there is none.
  static std::string name();

  struct operand {
    const void* data = nullptr;
    std::size_t stride = 0;  ///< between rows, as stored
    bool transposed = false; ///< row-major, and read the other way
  };
  /// c = alpha * a * b + beta * c, all row-major; c [rows, columns] in fp32
  /// with `stride` between rows, a and b in `held`.
  void multiply(std::size_t rows, std::size_t columns, std::size_t inner,
      operand a, operand b, float* c, std::size_t stride, float alpha,
      float beta, precision held);

private:
  void* handle_ = nullptr;
  void* workspace_ = nullptr;
};

} // namespace troupe::gpu::cuda
