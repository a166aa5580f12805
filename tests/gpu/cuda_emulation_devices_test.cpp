// The emulated machine as its environment describes it, each in a process of
// its own.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

namespace {

class cuda_emulation_devices_test : public testing::Test {
protected:
  cuda_emulation_devices_test() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

// In the child: says which expectation failed, and leaves.
#define TROUPE_REQUIRE(condition)                                              \
  if (!(condition)) {                                                          \
    std::fprintf(stderr, "not so: %s\n", #condition);                          \
    std::exit(1);                                                              \
  }

void without_devices() {
  setenv("TROUPE_EMULATED_GPUS", "0", 1);
  int count = -1;
  void* block = nullptr;
  cudaStream_t stream = nullptr;
  TROUPE_REQUIRE(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
  TROUPE_REQUIRE(count == 0);
  TROUPE_REQUIRE(cudaGetLastError() == cudaErrorNoDevice);
  TROUPE_REQUIRE(cudaSetDevice(0) == cudaErrorNoDevice);
  TROUPE_REQUIRE(cudaMalloc(&block, 4) == cudaErrorNoDevice);
  TROUPE_REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) ==
                 cudaErrorNoDevice);
  std::exit(0);
}

TEST_F(cuda_emulation_devices_test, has_none_if_so_told) {
  EXPECT_EXIT(without_devices(), testing::ExitedWithCode(0), "");
}

void with_little_memory() {
  setenv("TROUPE_EMULATED_GPU_BYTES", "1000", 1);
  std::size_t free = 0, total = 0;
  void *block = nullptr, *more = nullptr;
  TROUPE_REQUIRE(cudaMalloc(&block, 600) == 0);
  TROUPE_REQUIRE(cudaMemGetInfo(&free, &total) == 0);
  TROUPE_REQUIRE(free == 400 && total == 1000);
  TROUPE_REQUIRE(cudaMalloc(&more, 401) == cudaErrorMemoryAllocation);
  TROUPE_REQUIRE(cudaFree(block) == 0);
  TROUPE_REQUIRE(cudaMalloc(&more, 401) == 0);
  TROUPE_REQUIRE(cudaFree(more) == 0);
  std::exit(0);
}

TEST_F(cuda_emulation_devices_test, have_the_memory_that_they_are_told) {
  EXPECT_EXIT(with_little_memory(), testing::ExitedWithCode(0), "");
}

__global__ void write_kernel(int* to) {
  *to = 7;
}

void with_two_devices() {
  setenv("TROUPE_EMULATED_GPUS", "2", 1);
  int result = 0, can = 1;
  int* blocks[2];
  cudaStream_t streams[2];
  cudaEvent_t event;
  cudaLaunchConfig_t how{};
  how.gridDim = how.blockDim = 1;
  for (int i : {0, 1}) {
    TROUPE_REQUIRE(cudaSetDevice(i) == 0);
    TROUPE_REQUIRE(cudaMalloc(&blocks[i], 4) == 0);
    TROUPE_REQUIRE(
        cudaStreamCreateWithFlags(&streams[i], cudaStreamNonBlocking) == 0);
  }
  TROUPE_REQUIRE(cudaSetDevice(2) == cudaErrorInvalidDevice);
  TROUPE_REQUIRE(cudaDeviceCanAccessPeer(&can, 0, 1) == 0 && can == 0);
  TROUPE_REQUIRE(
      cudaDeviceEnablePeerAccess(0, 0) == cudaErrorPeerAccessUnsupported);

  TROUPE_REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == 0);
  TROUPE_REQUIRE(
      cudaEventRecord(event, streams[0]) == cudaErrorInvalidResourceHandle);
  how.stream = streams[0];
  TROUPE_REQUIRE(cudaLaunchKernelEx(&how, write_kernel, blocks[0]) ==
                 cudaErrorInvalidResourceHandle);
  how.stream = streams[1];
  TROUPE_REQUIRE(cudaLaunchKernelEx(&how, write_kernel, blocks[0]) ==
                 cudaErrorIllegalAddress);
  TROUPE_REQUIRE(cudaLaunchKernelEx(&how, write_kernel, blocks[1]) == 0);
  TROUPE_REQUIRE(cudaEventRecord(event, streams[1]) == 0);

  TROUPE_REQUIRE(cudaStreamWaitEvent(streams[0], event) == 0);
  TROUPE_REQUIRE(
      cudaMemcpyPeerAsync(blocks[0], 0, blocks[1], 1, 4, streams[0]) == 0);
  TROUPE_REQUIRE(cudaMemcpyAsync(&result, blocks[0], 4, cudaMemcpyDefault,
                     streams[0]) == 0);
  TROUPE_REQUIRE(cudaStreamSynchronize(streams[0]) == 0);
  TROUPE_REQUIRE(result == 7);
  for (auto* one : blocks)
    TROUPE_REQUIRE(cudaFree(one) == 0);
  TROUPE_REQUIRE(cudaEventDestroy(event) == 0);
  // A pool's memory is its own device's alone.
  void* pooled[2];
  for (int i : {0, 1})
    TROUPE_REQUIRE(cudaMallocAsync(&pooled[i], 4, streams[i]) == 0);
  TROUPE_REQUIRE(cudaStreamSynchronize(streams[1]) == 0);
  TROUPE_REQUIRE(cudaMemcpyAsync(pooled[0], pooled[1], 4, cudaMemcpyDefault,
                     streams[0]) == cudaErrorInvalidValue);
  TROUPE_REQUIRE(
      cudaMemcpyPeerAsync(pooled[0], 0, pooled[1], 1, 4, streams[0]) == 0);
  TROUPE_REQUIRE(cudaStreamSynchronize(streams[0]) == 0);
  for (int i : {0, 1})
    TROUPE_REQUIRE(cudaFreeAsync(pooled[i], streams[i]) == 0);
  std::exit(0);
}

TEST_F(cuda_emulation_devices_test, are_two_that_share_nothing) {
  EXPECT_EXIT(with_two_devices(), testing::ExitedWithCode(0), "");
}

void with_two_peers() {
  setenv("TROUPE_EMULATED_GPUS", "2", 1);
  setenv("TROUPE_EMULATED_PEERS", "1", 1);
  int can = 0;
  void *taken[2], *pooled[2];
  cudaStream_t streams[2];
  for (int i : {0, 1}) {
    TROUPE_REQUIRE(cudaSetDevice(i) == 0);
    TROUPE_REQUIRE(
        cudaStreamCreateWithFlags(&streams[i], cudaStreamNonBlocking) == 0);
    TROUPE_REQUIRE(cudaMalloc(&taken[i], 4) == 0);
    TROUPE_REQUIRE(cudaMallocAsync(&pooled[i], 4, streams[i]) == 0);
    TROUPE_REQUIRE(cudaStreamSynchronize(streams[i]) == 0);
  }
  TROUPE_REQUIRE(cudaDeviceCanAccessPeer(&can, 0, 1) == 0 && can == 1);
  cudaLaunchConfig_t how{};
  how.gridDim = how.blockDim = 1;
  how.stream = streams[1];
  auto launch = [&](void* at) {
    return cudaLaunchKernelEx(&how, write_kernel, static_cast<int*>(at));
  };

  // What could be reached is not, until each kind of memory is opened.
  TROUPE_REQUIRE(launch(taken[0]) == cudaErrorIllegalAddress);
  TROUPE_REQUIRE(launch(pooled[0]) == cudaErrorIllegalAddress);
  TROUPE_REQUIRE(cudaMemcpyAsync(pooled[1], pooled[0], 4, cudaMemcpyDefault,
                     streams[1]) == cudaErrorInvalidValue);
  TROUPE_REQUIRE(
      cudaMemcpyPeerAsync(pooled[1], 1, pooled[0], 0, 4, streams[1]) == 0);
  TROUPE_REQUIRE(cudaDeviceEnablePeerAccess(0, 0) == 0);
  TROUPE_REQUIRE(
      cudaDeviceEnablePeerAccess(0, 0) == cudaErrorPeerAccessAlreadyEnabled);
  TROUPE_REQUIRE(launch(taken[0]) == 0);
  TROUPE_REQUIRE(launch(pooled[0]) == cudaErrorIllegalAddress);
  cudaMemPool_t pool;
  cudaMemAccessDesc access{};
  access.location = {cudaMemLocationTypeDevice, 1};
  access.flags = cudaMemAccessFlagsProtReadWrite;
  TROUPE_REQUIRE(cudaDeviceGetDefaultMemPool(&pool, 0) == 0);
  TROUPE_REQUIRE(cudaMemPoolSetAccess(pool, &access, 1) == 0);
  TROUPE_REQUIRE(launch(pooled[0]) == 0);
  TROUPE_REQUIRE(cudaMemcpyAsync(pooled[1], pooled[0], 4, cudaMemcpyDefault,
                     streams[1]) == 0);
  TROUPE_REQUIRE(cudaStreamSynchronize(streams[1]) == 0);
  TROUPE_REQUIRE(*static_cast<int*>(pooled[1]) == 7);
  // As some drivers have it.
  TROUPE_REQUIRE(cudaMemsetAsync(pooled[1], 0, 4, streams[1]) == 0);
  TROUPE_REQUIRE(
      cudaMemcpyPeerAsync(pooled[1], 1, pooled[0], 0, 4, streams[1]) == 0);
  TROUPE_REQUIRE(cudaStreamSynchronize(streams[1]) == 0);
  TROUPE_REQUIRE(*static_cast<int*>(pooled[1]) == 0);
  for (int i : {0, 1}) {
    TROUPE_REQUIRE(cudaFree(taken[i]) == 0);
    TROUPE_REQUIRE(cudaFreeAsync(pooled[i], streams[i]) == 0);
  }
  std::exit(0);
}

TEST_F(cuda_emulation_devices_test, reach_what_is_opened_to_them) {
  EXPECT_EXIT(with_two_peers(), testing::ExitedWithCode(0), "");
}

TEST_F(cuda_emulation_devices_test, refuse_an_environment_without_sense) {
  auto ask = [] {
    setenv("TROUPE_EMULATED_GPUS", "many", 1);
    int count = 0;
    static_cast<void>(cudaGetDeviceCount(&count));
  };

  EXPECT_DEATH(ask(), "TROUPE_EMULATED_GPUS = \"many\" is no number");
}

} // namespace
