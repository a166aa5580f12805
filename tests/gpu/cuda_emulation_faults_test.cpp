// What the emulation refuses: faults that a GPU would not, or not plainly,
// tell of end the process with a text.
#include <cuda_runtime.h>

#include <mma.h>

#include <gtest/gtest.h>

#include "tests/gpu/cuda_fixture.hpp"

namespace {

class cuda_emulation_faults_test : public cuda_fixture {
protected:
  cuda_emulation_faults_test() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }

  template <class... Parameters, class... Arguments>
  void run(void (*kernel)(Parameters...), dim3 grid, dim3 block,
      Arguments... arguments) {
    static_cast<void>(launch(on, kernel, grid, block, arguments...));
    static_cast<void>(cudaStreamSynchronize(on));
  }
};

__global__ void some_miss_a_barrier() {
  if (threadIdx.x < 3)
    __syncthreads();
}

TEST_F(cuda_emulation_faults_test, a_barrier_that_some_miss) {
  EXPECT_DEATH(run(some_miss_a_barrier, dim3(2, 3), 64),
      "deadlock: of the 64 threads of a block \\(grid 2 x 3 x 1, "
      "block 64 x 1 x 1\\) 61 have ended");
}

__global__ void barriers_differ() {
  if (threadIdx.x < 3)
    __syncthreads();
  else
    __syncthreads();
}

TEST_F(cuda_emulation_faults_test, two_barriers_at_once) {
  EXPECT_DEATH(run(barriers_differ, 1, 64), "threads of one block wait at");
}

__global__ void lanes_are_missing() {
  if (threadIdx.x % 32 != 7)
    __syncwarp();
}

TEST_F(cuda_emulation_faults_test, a_warp_without_all_its_lanes) {
  EXPECT_DEATH(run(lanes_are_missing, 1, 64), "deadlock: of the 64 threads");
  EXPECT_DEATH(run(lanes_are_missing, 1, 48), "fewer than 32 threads");
}

__global__ void mask_is_partial() {
  __shfl_sync(0xffff, 1, 0);
}

TEST_F(cuda_emulation_faults_test, a_partial_mask) {
  EXPECT_DEATH(run(mask_is_partial, 1, 32), "mask 0000ffff");
}

__global__ void matrix_is_crooked(float* at) {
  nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> x;
  nvcuda::wmma::fill_fragment(x, 0.0f);
  nvcuda::wmma::store_matrix_sync(at + 1, x, 16, nvcuda::wmma::mem_row_major);
}

TEST_F(cuda_emulation_faults_test, a_matrix_that_is_not_aligned) {
  auto* at = device<float>(300);

  EXPECT_DEATH(run(matrix_is_crooked, 1, 32, at), "a multiple of 32 bytes");
}

TEST_F(cuda_emulation_faults_test, calls_from_a_host_function) {
  auto call = [](void* where) {
    int device;
    cudaGetDevice(&device);
    static_cast<void>(where);
  };

  EXPECT_DEATH(
      {
        static_cast<void>(cudaLaunchHostFunc(on, call, nullptr));
        static_cast<void>(cudaStreamSynchronize(on));
      },
      "cudaGetDevice.*in a host function");
}

#ifdef __SANITIZE_ADDRESS__
__global__ void writes_behind_the_end(int* at, int count) {
  at[count] = 1;
}

TEST_F(cuda_emulation_faults_test, writes_outside_device_memory) {
  auto* at = device<int>(33);

  EXPECT_DEATH(
      run(writes_behind_the_end, 1, 1, at, 33), "heap-buffer-overflow");
}

TEST_F(cuda_emulation_faults_test, the_use_of_memory_after_its_release) {
  EXPECT_DEATH(
      {
        int* at = nullptr;
        static_cast<void>(cudaMallocAsync(&at, 132, on));
        static_cast<void>(launch(on, writes_behind_the_end, 1, 1, at, 3));
        auto other = stream();
        static_cast<void>(cudaFreeAsync(at, other));
        static_cast<void>(cudaStreamSynchronize(other));
        static_cast<void>(cudaStreamSynchronize(on));
        *at = 1;
      },
      "heap-use-after-free");
}
#endif

} // namespace
