#include "gpu/cuda/blas.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <source_location>

#include <cublas_v2.h>

#include "gpu/cuda/error.hpp"
#include "gpu/cuda/shared_library.hpp"
#include "gpu/cuda/stream.hpp"
#include "gpu/out_of_memory.hpp"

namespace troupe::gpu::cuda {
namespace {

// What NVIDIA recommends for Hopper; with less, some kernels cannot be chosen.
constexpr std::size_t workspace_bytes = std::size_t{32} << 20;

using multiply_function = cublasStatus_t(cublasHandle_t, cublasOperation_t,
    cublasOperation_t, int, int, int, const void*, const void*, cudaDataType,
    int, const void*, cudaDataType, int, const void*, void*, cudaDataType, int,
    cublasComputeType_t, cublasGemmAlgo_t);

/// cuBLAS, opened once.
struct library {
  shared_library file{"libcublas.so.13", "libcublas.so.12"};

  template <class F>
  F* function(const char* name, F*) const {
    return file.symbol<F>(name);
  }

#define TROUPE_CUBLAS(symbol) function(#symbol, &::symbol)
  decltype(&::cublasCreate_v2) create = TROUPE_CUBLAS(cublasCreate_v2);
  decltype(&::cublasDestroy_v2) destroy = TROUPE_CUBLAS(cublasDestroy_v2);
  decltype(&::cublasGetVersion_v2) version = TROUPE_CUBLAS(cublasGetVersion_v2);
  decltype(&::cublasSetStream_v2) use_stream =
      TROUPE_CUBLAS(cublasSetStream_v2);
  decltype(&::cublasSetWorkspace_v2) use_workspace =
      TROUPE_CUBLAS(cublasSetWorkspace_v2);
  decltype(&::cublasSetMathMode) use_math = TROUPE_CUBLAS(cublasSetMathMode);
  decltype(&::cublasGetStatusString) text =
      TROUPE_CUBLAS(cublasGetStatusString);
#undef TROUPE_CUBLAS
  // The header has a second function of this name, for C++.
  multiply_function* multiply = file.symbol<multiply_function>("cublasGemmEx");
};

const library& cublas() {
  static const library one;
  return one;
}

void expect(cublasStatus_t code,
    std::source_location where = std::source_location::current()) {
  if (code == CUBLAS_STATUS_ALLOC_FAILED)
    throw out_of_memory{
        "cuBLAS has no room for what it needs; fewer slots may help"};
  if (code != CUBLAS_STATUS_SUCCESS)
    throw cuda_error{std::string{"cuBLAS: "} + cublas().text(code), where};
}

cublasHandle_t of(void* handle) {
  return static_cast<cublasHandle_t>(handle);
}

cublasOperation_t order(const blas::operand& x) {
  return x.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

} // namespace

// The workspace after the stream, which resets it.
blas::blas(stream& on)
    : on_(on), workspace_(on.take(workspace_bytes), giver{&on}) {
  cublasHandle_t handle = nullptr;
  expect(cublas().create(&handle));
  handle_.reset(handle);
  expect(cublas().use_stream(handle, on.handle()));
  expect(cublas().use_workspace(handle, workspace_.get(), workspace_bytes));
  expect(cublas().use_math(
      handle, static_cast<cublasMath_t>(
                  CUBLAS_DEFAULT_MATH |
                  CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)));
}

blas::~blas() = default;

void blas::closer::operator()(void* handle) const noexcept {
  static_cast<void>(cublas().destroy(of(handle)));
}

void blas::giver::operator()(void* workspace) const noexcept {
  to->give(workspace);
}

std::string blas::name() {
  try {
    int number = 0;
    expect(cublas().version(nullptr, &number));
    return "cuBLAS " + std::to_string(number / 10000) + '.' +
           std::to_string(number % 10000 / 100) + '.' +
           std::to_string(number % 100);
  } catch (const std::exception& e) {
    return std::string{"no cuBLAS: "} + e.what();
  }
}

// Row by row is column by column of the transposes: c^T = b^T a^T.
void blas::multiply(std::size_t rows, std::size_t columns, std::size_t inner,
    operand a, operand b, float* c, std::size_t stride, float alpha, float beta,
    precision held) {
  const auto kind = held == precision::bf16 ? CUDA_R_16BF : CUDA_R_32F;
  const auto counted = [](std::size_t n, const char* what) {
    check_limit(n, std::numeric_limits<int>::max(), what);
    return int(n);
  };
  const auto step = [&](std::size_t n) {
    return std::max(counted(n, "values between rows of a product"), 1);
  };
  expect(cublas().multiply(of(handle_.get()), order(b), order(a),
      counted(columns, "columns of a product"),
      counted(rows, "rows of a product"), counted(inner, "terms of a product"),
      &alpha, b.data, kind, step(b.stride), a.data, kind, step(a.stride), &beta,
      c, CUDA_R_32F, step(stride), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  on_.launched();
}

} // namespace troupe::gpu::cuda
