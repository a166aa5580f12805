#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

/// A stream, and device memory that goes with the test.
class cuda_fixture : public testing::Test {
protected:
  cuda_fixture() : on(stream()) {}
  ~cuda_fixture() override {
    for (auto* one : streams)
      EXPECT_EQ(cudaStreamSynchronize(one), cudaSuccess);
    for (auto* one : blocks)
      EXPECT_EQ(cudaFree(one), cudaSuccess);
    for (auto* one : events)
      EXPECT_EQ(cudaEventDestroy(one), cudaSuccess);
    for (auto* one : streams)
      EXPECT_EQ(cudaStreamDestroy(one), cudaSuccess);
  }

  cudaStream_t stream() {
    cudaStream_t made = nullptr;
    EXPECT_EQ(
        cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), cudaSuccess);
    return streams.emplace_back(made);
  }
  cudaEvent_t event(unsigned flags = cudaEventDisableTiming) {
    cudaEvent_t made = nullptr;
    EXPECT_EQ(cudaEventCreateWithFlags(&made, flags), cudaSuccess);
    return events.emplace_back(made);
  }
  template <class T>
  T* device(std::size_t count) {
    T* made = nullptr;
    EXPECT_EQ(cudaMalloc(&made, count * sizeof(T)), cudaSuccess);
    blocks.push_back(made);
    return made;
  }
  template <class T>
  T* device(const std::vector<T>& values) {
    auto* made = device<T>(values.size());
    EXPECT_EQ(cudaMemcpy(made, values.data(), values.size() * sizeof(T),
                  cudaMemcpyHostToDevice),
        cudaSuccess);
    return made;
  }
  /// What `from` holds when all that was queued on `on` is done.
  template <class T>
  std::vector<T> host(const T* from, std::size_t count) {
    std::vector<T> values(count);
    EXPECT_EQ(cudaMemcpyAsync(values.data(), from, count * sizeof(T),
                  cudaMemcpyDeviceToHost, on),
        cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(on), cudaSuccess);
    return values;
  }

  template <class... Parameters, class... Arguments>
  static cudaError_t launch(cudaStream_t where, void (*kernel)(Parameters...),
      dim3 grid, dim3 block, Arguments... arguments) {
    cudaLaunchConfig_t how{};
    how.gridDim = grid;
    how.blockDim = block;
    how.stream = where;
    return cudaLaunchKernelEx(&how, kernel, arguments...);
  }

  std::vector<cudaStream_t> streams;
  std::vector<cudaEvent_t> events;
  std::vector<void*> blocks;
  cudaStream_t on;
};
