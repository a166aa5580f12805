// What becomes of errors of cuBLAS and cuDNN: the real callers, over stand-ins
// that fail where they are told, on an emulated GPU of little memory.

#include <cublas_v2.h>
#include <cudnn.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "gpu/buffer.hpp"
#include "gpu/cuda/blas.hpp"
#include "gpu/cuda/dnn.hpp"
#include "gpu/cuda/error.hpp"
#include "gpu/cuda/stream.hpp"
#include "gpu/device.hpp"
#include "gpu/out_of_memory.hpp"
#include "tests/support/cuda_libraries/cuda_libraries.hpp"

namespace troupe::tests {
namespace {

using gpu::cuda::cuda_error;
using gpu::cuda::dnn;
using ::testing::HasSubstr;

const bool described = [] {
  setenv("TROUPE_EMULATED_GPU_BYTES", "50331648", 1); // a workspace and a half
  return true;
}();

constexpr gpu::device where{gpu::device_kind::cuda, 0};
const gpu::convolution some{{3, 8, 8}, 4, 3, 1};

std::size_t free_bytes() {
  std::size_t free = 0, total = 0;
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  return free;
}

class cublas_test : public ::testing::Test {
protected:
  gpu::device_stream on_{where};
  gpu::cuda::stream& on = *on_.cuda();
};

TEST_F(cublas_test, leaves_nothing_behind_where_it_cannot_be_made_ready) {
  const auto before = free_bytes();

  for (const auto* function :
      {"cublasSetStream_v2", "cublasSetWorkspace_v2", "cublasSetMathMode"}) {
    fail_cublas(function, CUBLAS_STATUS_NOT_INITIALIZED);
    EXPECT_THROW(gpu::cuda::blas{on}, cuda_error) << function;
    EXPECT_EQ(cublas_handles(), 0) << function;
    EXPECT_EQ(free_bytes(), before) << function;
  }
  static_cast<void>(on.products());
  EXPECT_EQ(cublas_handles(), 1);
}

TEST_F(cublas_test, lack_of_memory_is_told_as_such) {
  fail_cublas("cublasCreate_v2", CUBLAS_STATUS_ALLOC_FAILED);
  EXPECT_THROW(gpu::cuda::blas{on}, gpu::out_of_memory);
  {
    const gpu::buffer most{std::size_t{5} << 20, on_};
    EXPECT_THROW(on.products(), gpu::out_of_memory);
  }

  static_cast<void>(on.products());
  EXPECT_EQ(cublas_handles(), 1);
}

TEST_F(cublas_test, is_not_asked_for_more_than_it_counts) {
  auto& products = on.products();
  const std::size_t many = std::size_t{1} << 31;

  try {
    products.multiply(
        many, 1, 1, {}, {}, nullptr, 1, 1.0f, 0.0f, gpu::precision::fp32);
    FAIL() << "it was asked";
  } catch (const std::length_error& e) {
    EXPECT_THAT(e.what(),
        HasSubstr("2147483648 rows of a product, the limit is 2147483647"));
  }
}

class cudnn_test : public ::testing::Test {
protected:
  static constexpr auto forward = dnn::pass::forward;
  gpu::device_stream on_{where};
  gpu::cuda::stream& on = *on_.cuda();
};

// Kernels of our own would have other bits than its name in the fingerprint.
TEST_F(cudnn_test, is_not_done_without_because_it_failed_once) {
  for (const auto* function : {"cudnnCreate", "cudnnSetStream"}) {
    fail_cudnn(function, CUDNN_STATUS_NOT_INITIALIZED);
    try {
      on.convolutions();
      ADD_FAILURE() << function << ": not told";
    } catch (const cuda_error& e) {
      EXPECT_THAT(e.what(), HasSubstr("cuDNN: CUDNN_STATUS_NOT_INITIALIZED"));
    }
    EXPECT_EQ(cudnn_handles(), 0) << function;
  }
  fail_cudnn("cudnnCreate", CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED);
  EXPECT_THROW(on.convolutions(), gpu::out_of_memory);

  EXPECT_NE(on.convolutions(), nullptr);
}

TEST_F(cudnn_test, may_decline_a_shape_and_nothing_else) {
  auto& library = *on.convolutions();

  fail_cudnn("cudnnGetConvolutionForwardWorkspaceSize",
      CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
  EXPECT_EQ(library.find(forward, some, 1), nullptr);
  EXPECT_EQ(library.find(forward, some, 1), nullptr)
      << "it has changed its mind";
  fail_cudnn("cudnnSetTensor4dDescriptor", CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(library.find(forward, some, 2), nullptr);
  EXPECT_EQ(library.find(forward, some, std::size_t{1} << 31), nullptr);

  fail_cudnn("cudnnGetConvolutionForwardWorkspaceSize",
      CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE);
  EXPECT_THROW(library.find(forward, some, 3), cuda_error);
  fail_cudnn("cudnnCreateFilterDescriptor",
      CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED);
  EXPECT_THROW(library.find(forward, some, 3), gpu::out_of_memory);
  fail_cudnn(
      "cudnnGetConvolutionForwardWorkspaceSize", CUDNN_STATUS_EXECUTION_FAILED);
  EXPECT_THROW(library.find(forward, some, 3), cuda_error);
  EXPECT_EQ(cudnn_handles(), 1);
  EXPECT_NE(library.find(forward, some, 3), nullptr);
}

TEST(fingerprint_test, is_another_one_under_other_libraries) {
  const auto before = gpu::numeric_fingerprint(where);
  set_cublas_version(130200);
  const auto other_blas = gpu::numeric_fingerprint(where);
  set_cublas_version(130100);
  set_cudnn_version(92001);
  const auto other_dnn = gpu::numeric_fingerprint(where);
  set_cudnn_version(91900);

  EXPECT_THAT(before, HasSubstr("; cuBLAS 13.1.0; cuDNN 9.19.0; no NCCL; "));
  EXPECT_THAT(other_blas, HasSubstr("; cuBLAS 13.2.0; cuDNN 9.19.0; "));
  EXPECT_THAT(other_dnn, HasSubstr("; cuBLAS 13.1.0; cuDNN 9.20.1; "));
  EXPECT_EQ(gpu::numeric_fingerprint(where), before);
}

} // namespace
} // namespace troupe::tests
