#include <cuda_runtime.h>

#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

constexpr unsigned threads = 256;

// A stream and some of its device's memory, as a test needs them.
class cuda_emulation_test : public testing::Test {
protected:
  cuda_emulation_test() {
    EXPECT_EQ(cudaStreamCreateWithFlags(&on, cudaStreamNonBlocking), 0);
  }
  ~cuda_emulation_test() override {
    EXPECT_EQ(cudaStreamSynchronize(on), 0);
    for (auto* block : blocks)
      EXPECT_EQ(cudaFree(block), 0);
    EXPECT_EQ(cudaStreamDestroy(on), 0);
    EXPECT_EQ(cudaGetLastError(), 0);
  }

  template <class T>
  T* device(std::size_t count) {
    T* block = nullptr;
    EXPECT_EQ(cudaMalloc(&block, count * sizeof(T)), 0);
    blocks.push_back(block);
    return block;
  }
  template <class T>
  T* device(const std::vector<T>& values) {
    auto* block = device<T>(values.size());
    EXPECT_EQ(cudaMemcpy(block, values.data(), values.size() * sizeof(T),
                  cudaMemcpyHostToDevice),
        0);
    return block;
  }
  template <class T>
  std::vector<T> host(const T* block, std::size_t count) {
    std::vector<T> values(count);
    EXPECT_EQ(cudaMemcpyAsync(values.data(), block, count * sizeof(T),
                  cudaMemcpyDeviceToHost, on),
        0);
    EXPECT_EQ(cudaStreamSynchronize(on), 0);
    return values;
  }
  template <class... Parameters, class... Arguments>
  cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block,
      Arguments... arguments) {
    cudaLaunchConfig_t how{};
    how.gridDim = grid;
    how.blockDim = block;
    how.stream = on;
    return cudaLaunchKernelEx(&how, kernel, arguments...);
  }

  cudaStream_t on = nullptr;
  std::vector<void*> blocks;
};

__global__ void sum_kernel(const int* __restrict__ in, int* __restrict__ out) {
  __shared__ int part[threads];
  auto i = threadIdx.x;
  part[i] = in[blockIdx.x * blockDim.x + i];
  for (auto half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (i < half)
      part[i] += part[i + half];
  }
  if (i == 0)
    out[blockIdx.x] = part[0];
}

TEST_F(cuda_emulation_test, reduces_over_barriers) {
  constexpr unsigned grid = 37;
  std::vector<int> in(grid * threads);
  std::iota(in.begin(), in.end(), -1000);
  auto* sums = device<int>(grid);

  ASSERT_EQ(launch(sum_kernel, grid, threads, device(in), sums), 0);

  auto result = host(sums, grid);
  for (unsigned i = 0; i < grid; ++i)
    EXPECT_EQ(result[i], std::accumulate(in.begin() + i * threads,
                             in.begin() + (i + 1) * threads, 0));
}

} // namespace
