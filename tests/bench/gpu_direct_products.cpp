#include "tests/bench/gpu_direct_products.hpp"

#include <stdexcept>
#include <string>

#include <cuda_runtime.h>

#include "gpu/cuda/error.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;

using multiply_function = cublasStatus_t(cublasHandle_t, cublasOperation_t,
    cublasOperation_t, int, int, int, const void*, const void*, cudaDataType,
    int, const void*, cudaDataType, int, const void*, void*, cudaDataType, int,
    cublasComputeType_t, cublasGemmAlgo_t);

void expect(cublasStatus_t code) {
  if (code != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error("cuBLAS: error " + std::to_string(code));
}

} // namespace

direct_products::direct_products(cudaStream_t on, bool bf16)
    : type_(bf16 ? CUDA_R_16BF : CUDA_R_32F) {
  const auto create =
      file_.symbol<cublasStatus_t(cublasHandle_t*)>("cublasCreate_v2");
  const auto use_stream =
      file_.symbol<cublasStatus_t(cublasHandle_t, cudaStream_t)>(
          "cublasSetStream_v2");
  const auto use_workspace =
      file_.symbol<cublasStatus_t(cublasHandle_t, void*, std::size_t)>(
          "cublasSetWorkspace_v2");
  const auto use_math =
      file_.symbol<cublasStatus_t(cublasHandle_t, cublasMath_t)>(
          "cublasSetMathMode");
  expect(create(&handle_));
  gpu::cuda::check(cudaMalloc(&workspace_, workspace_bytes));
  expect(use_stream(handle_, on));
  expect(use_workspace(handle_, workspace_, workspace_bytes));
  expect(
      use_math(handle_, static_cast<cublasMath_t>(
                            CUBLAS_DEFAULT_MATH |
                            CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)));
}

direct_products::~direct_products() {
  static_cast<void>(file_.symbol<cublasStatus_t(cublasHandle_t)>(
      "cublasDestroy_v2")(handle_));
  static_cast<void>(cudaFree(workspace_));
}

// Row by row is column by column of the transposes: c^T = b^T a^T.
void direct_products::multiply(
    std::size_t edge, const void* a, const void* b, float* c) {
  static const auto call = file_.symbol<multiply_function>("cublasGemmEx");
  const auto n = static_cast<int>(edge);
  const float one = 1.0f, none = 0.0f;
  expect(call(handle_, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, b, type_, n, a,
      type_, n, &none, c, CUDA_R_32F, n, CUBLAS_COMPUTE_32F,
      CUBLAS_GEMM_DEFAULT));
}

} // namespace troupe::bench
