// The emulation's host side: streams, events, memory, graphs.
#include <cuda_runtime.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/cuda_fixture.hpp"
#include "tests/support/cuda_emulation/mishaps.hpp"

namespace {

class cuda_emulation_runtime_test : public cuda_fixture {
protected:
  /// Holds a stream back until `opened`.
  void close(cudaStream_t one) {
    auto wait = [](void* self) {
      static_cast<cuda_emulation_runtime_test*>(self)->opened.wait(false);
    };
    ASSERT_EQ(cudaLaunchHostFunc(one, wait, this), 0);
  }
  void open() {
    opened = true;
    opened.notify_all();
  }

  std::atomic<bool> opened = false;
};

__global__ void add_kernel(int* at, int count, int step) {
  auto i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count)
    at[i] = at[i] * 3 + step;
}

TEST_F(cuda_emulation_runtime_test, returns_before_the_work_is_done) {
  auto* at = device(std::vector<int>{1});
  int result = 0;

  close(on);
  ASSERT_EQ(launch(on, add_kernel, 1, 32, at, 1, 5), 0);
  ASSERT_EQ(cudaMemcpyAsync(&result, at, 4, cudaMemcpyDeviceToHost, on), 0);

  EXPECT_EQ(cudaStreamQuery(on), cudaErrorNotReady);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady);
  EXPECT_EQ(result, 0);
  open();
  EXPECT_EQ(cudaStreamSynchronize(on), 0);
  EXPECT_EQ(cudaStreamQuery(on), 0);
  EXPECT_EQ(result, 8);
}

TEST_F(cuda_emulation_runtime_test, keeps_the_order_of_a_stream) {
  auto* at = device<int>(1);
  std::vector<int> order;
  auto append = [](void* to) {
    auto* all = static_cast<std::vector<int>*>(to);
    all->push_back(static_cast<int>(all->size()));
  };

  ASSERT_EQ(cudaMemsetAsync(at, 0, 4, on), 0);
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(launch(on, add_kernel, 1, 32, at, 1, i), 0);
    ASSERT_EQ(cudaLaunchHostFunc(on, append, &order), 0);
  }

  EXPECT_EQ(host(at, 1)[0], (((1 * 3 + 2) * 3 + 3) * 3 + 4) * 3 + 5);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(cuda_emulation_runtime_test, orders_streams_by_events) {
  auto* at = device(std::vector<int>{1});
  auto other = stream();
  auto first = event(), last = event();

  close(on);
  ASSERT_EQ(launch(on, add_kernel, 1, 32, at, 1, 5), 0);
  ASSERT_EQ(cudaEventRecord(first, on), 0);
  ASSERT_EQ(cudaStreamWaitEvent(other, first), 0);
  ASSERT_EQ(launch(other, add_kernel, 1, 32, at, 1, 7), 0);
  ASSERT_EQ(cudaEventRecord(last, other), 0);
  ASSERT_EQ(cudaStreamWaitEvent(on, last), 0);

  EXPECT_EQ(cudaEventQuery(last), cudaErrorNotReady);
  open();
  EXPECT_EQ(cudaEventSynchronize(last), 0);
  EXPECT_EQ(cudaEventQuery(first), 0);
  EXPECT_EQ(host(at, 1)[0], (1 * 3 + 5) * 3 + 7);
  cudaGetLastError();
}

TEST_F(cuda_emulation_runtime_test, measures_time_between_events) {
  auto from = event(cudaEventDefault), to = event(cudaEventDefault);
  auto untimed = event();
  auto ms = -1.0f;

  EXPECT_EQ(
      cudaEventElapsedTime(&ms, from, to), cudaErrorInvalidResourceHandle);
  for (auto* one : {from, untimed, to})
    ASSERT_EQ(cudaEventRecord(one, on), 0);
  ASSERT_EQ(cudaEventSynchronize(to), 0);

  EXPECT_EQ(cudaEventElapsedTime(&ms, from, to), 0);
  EXPECT_GE(ms, 0.0f);
  EXPECT_LT(ms, 10'000.0f);
  EXPECT_EQ(
      cudaEventElapsedTime(&ms, from, untimed), cudaErrorInvalidResourceHandle);
  cudaGetLastError();
}

TEST_F(cuda_emulation_runtime_test, destroys_streams_after_their_work) {
  auto* at = device(std::vector<int>{1});
  cudaStream_t brief;
  ASSERT_EQ(cudaStreamCreateWithFlags(&brief, cudaStreamNonBlocking), 0);

  close(brief);
  ASSERT_EQ(launch(brief, add_kernel, 1, 32, at, 1, 5), 0);
  EXPECT_EQ(cudaStreamDestroy(brief), 0);
  EXPECT_EQ(cudaStreamQuery(brief), cudaErrorInvalidResourceHandle);
  open();

  EXPECT_EQ(cudaDeviceSynchronize(), 0);
  EXPECT_EQ(host(at, 1)[0], 8);
  cudaGetLastError();
}

TEST_F(cuda_emulation_runtime_test, serves_two_threads_at_once) {
  constexpr int count = 1000, rounds = 15;
  std::vector<int> results[2];
  auto work = [&](int self) {
    auto where = streams[static_cast<std::size_t>(self)];
    int* at = nullptr;
    EXPECT_EQ(cudaMallocAsync(&at, count * sizeof(int), where), 0);
    EXPECT_EQ(cudaMemsetAsync(at, 0, count * sizeof(int), where), 0);
    for (int i = 0; i < rounds; ++i)
      EXPECT_EQ(launch(where, add_kernel, 16, 64, at, count, self + 1), 0);
    results[self].resize(count);
    EXPECT_EQ(cudaMemcpyAsync(results[self].data(), at, count * sizeof(int),
                  cudaMemcpyDeviceToHost, where),
        0);
    EXPECT_EQ(cudaFreeAsync(at, where), 0);
    EXPECT_EQ(cudaStreamSynchronize(where), 0);
  };

  stream();
  std::thread other{work, 1};
  work(0);
  other.join();

  int expected = 0;
  for (int i = 0; i < rounds; ++i)
    expected = expected * 3 + 1;
  EXPECT_EQ(results[0], std::vector<int>(count, expected));
  EXPECT_EQ(results[1], std::vector<int>(count, 2 * expected));
}

TEST_F(cuda_emulation_runtime_test, fills_fresh_memory_with_nan) {
  float* at = nullptr;
  ASSERT_EQ(cudaMallocAsync(&at, 12, on), 0);

  for (auto one : host(at, 3))
    EXPECT_TRUE(std::isnan(one));
  EXPECT_EQ(cudaFreeAsync(at, on), 0);
}

TEST_F(cuda_emulation_runtime_test, frees_in_the_order_of_the_stream) {
  int* at = nullptr;
  int result = 0;
  ASSERT_EQ(cudaMallocAsync(&at, 4, on), 0);

  close(on);
  ASSERT_EQ(cudaMemsetAsync(at, 1, 4, on), 0);
  ASSERT_EQ(cudaMemcpyAsync(&result, at, 4, cudaMemcpyDefault, on), 0);
  ASSERT_EQ(cudaFreeAsync(at, on), 0);
  EXPECT_EQ(cudaMemsetAsync(at, 0, 4, on), cudaErrorInvalidValue);
  open();

  EXPECT_EQ(cudaStreamSynchronize(on), 0);
  EXPECT_EQ(result, 0x01010101);
  EXPECT_EQ(cudaFreeAsync(at, on), cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST_F(cuda_emulation_runtime_test, runs_out_of_memory) {
  std::size_t free = 0, total = 0, left = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), 0);
  void* large = nullptr;
  void* more = &large;

  ASSERT_EQ(cudaMallocAsync(&large, 1 << 20, on), 0);
  EXPECT_EQ(cudaMallocAsync(&more, free - (1 << 20) + 1, on),
      cudaErrorMemoryAllocation);
  EXPECT_EQ(more, nullptr);
  EXPECT_EQ(cudaMalloc(&more, std::numeric_limits<std::size_t>::max()),
      cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMemGetInfo(&left, &total), 0);
  EXPECT_EQ(left, free - (1 << 20));
  EXPECT_EQ(cudaFreeAsync(large, on), 0);
  EXPECT_EQ(cudaMemGetInfo(&left, &total), 0);
  EXPECT_EQ(left, free);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), 0);
}

TEST_F(cuda_emulation_runtime_test, counts_what_pools_hold) {
  cudaMemPoolProps how{};
  how.allocType = cudaMemAllocationTypePinned;
  how.location = {cudaMemLocationTypeDevice, 0};
  cudaMemPool_t pool;
  void* at = nullptr;
  std::uint64_t used = 1;

  ASSERT_EQ(cudaMemPoolCreate(&pool, &how), 0);
  ASSERT_EQ(cudaMallocFromPoolAsync(&at, 1000, pool, on), 0);
  EXPECT_EQ(
      cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used), 0);
  EXPECT_GE(used, 1000u);
  EXPECT_EQ(cudaFreeAsync(at, on), 0);
  EXPECT_EQ(cudaStreamSynchronize(on), 0);
  EXPECT_EQ(
      cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used), 0);
  EXPECT_EQ(used, 0u);
  EXPECT_EQ(cudaMemPoolTrimTo(pool, 0), 0);
  EXPECT_EQ(cudaMemPoolDestroy(pool), 0);
}

TEST_F(cuda_emulation_runtime_test, tells_device_memory_from_the_hosts) {
  auto* at = device<int>(4);
  int* pinned = nullptr;
  int own = 0;
  cudaPointerAttributes what;
  ASSERT_EQ(cudaMallocHost(&pinned, 16), 0);

  ASSERT_EQ(cudaPointerGetAttributes(&what, at + 3), 0);
  EXPECT_EQ(what.type, cudaMemoryTypeDevice);
  EXPECT_EQ(what.device, 0);
  ASSERT_EQ(cudaPointerGetAttributes(&what, pinned), 0);
  EXPECT_EQ(what.type, cudaMemoryTypeHost);
  ASSERT_EQ(cudaPointerGetAttributes(&what, &own), 0);
  EXPECT_EQ(what.type, cudaMemoryTypeUnregistered);
  EXPECT_EQ(cudaFreeHost(pinned), 0);
}

TEST_F(cuda_emulation_runtime_test, copies_rows_of_a_pitch) {
  std::vector<int> in(6 * 4);
  std::iota(in.begin(), in.end(), 0);
  auto* at = device<int>(3 * 4);

  ASSERT_EQ(cudaMemcpy2DAsync(at, 3 * 4, in.data() + 1, 6 * 4, 3 * 4, 4,
                cudaMemcpyHostToDevice, on),
      0);

  EXPECT_EQ(host(at, 12),
      (std::vector<int>{1, 2, 3, 7, 8, 9, 13, 14, 15, 19, 20, 21}));
}

TEST_F(cuda_emulation_runtime_test, refuses_copies_beyond_an_allocation) {
  auto* at = device<int>(4);
  int own[5] = {};

  EXPECT_EQ(cudaMemcpyAsync(at, own, 20, cudaMemcpyDefault, on),
      cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(own, own, 4, cudaMemcpyDeviceToHost, on),
      cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(nullptr, nullptr, 0, cudaMemcpyDefault, on), 0);
  cudaGetLastError();
}

TEST_F(cuda_emulation_runtime_test, refuses_impossible_launches) {
  auto* at = device<int>(4);
  int own = 0;
  cudaLaunchConfig_t how{};
  how.gridDim = how.blockDim = 1;
  how.stream = on;
  how.dynamicSmemBytes = 1 << 20;

  EXPECT_EQ(
      launch(on, add_kernel, 0, 32, at, 1, 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(
      launch(on, add_kernel, 1, 1025, at, 1, 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(on, add_kernel, dim3(1, 65536), 1, at, 1, 1),
      cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(on, add_kernel, 1, dim3(1, 1, 65), at, 1, 1),
      cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(on, add_kernel, 1, 1, &own, 1, 1), cudaErrorIllegalAddress);
  EXPECT_NE(cudaLaunchKernelEx(&how, add_kernel, at, 1, 1), 0);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotSupported);
}

TEST_F(cuda_emulation_runtime_test, replays_what_it_captured) {
  auto* at = device(std::vector<int>{1, 1});
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  cudaStreamCaptureStatus status;

  ASSERT_EQ(cudaStreamBeginCapture(on, cudaStreamCaptureModeThreadLocal), 0);
  EXPECT_EQ(launch(on, add_kernel, 1, 32, at, 1, 5), 0);
  EXPECT_EQ(cudaMemcpyAsync(at + 1, at, 4, cudaMemcpyDefault, on), 0);
  EXPECT_EQ(cudaStreamIsCapturing(on, &status), 0);
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  ASSERT_EQ(cudaStreamEndCapture(on, &graph), 0);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), 0);
  EXPECT_EQ(cudaGraphDestroy(graph), 0);
  EXPECT_EQ(cudaStreamIsCapturing(on, &status), 0);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);

  EXPECT_EQ(host(at, 2), (std::vector<int>{1, 1}));
  EXPECT_EQ(cudaGraphLaunch(exec, on), 0);
  EXPECT_EQ(host(at, 2), (std::vector<int>{8, 8}));
  EXPECT_EQ(cudaGraphLaunch(exec, on), 0);
  EXPECT_EQ(cudaGraphExecDestroy(exec), 0);
  EXPECT_EQ(host(at, 2), (std::vector<int>{29, 29}));
}

TEST_F(cuda_emulation_runtime_test, captures_streams_that_wait_for_events) {
  auto* at = device(std::vector<int>{1});
  auto other = stream();
  auto fork = event(), join = event();
  cudaGraph_t graph;
  cudaGraphExec_t exec;

  ASSERT_EQ(cudaStreamBeginCapture(on, cudaStreamCaptureModeThreadLocal), 0);
  EXPECT_EQ(cudaEventRecord(fork, on), 0);
  EXPECT_EQ(cudaStreamWaitEvent(other, fork), 0);
  EXPECT_EQ(launch(other, add_kernel, 1, 32, at, 1, 5), 0);
  EXPECT_EQ(cudaEventRecord(join, other), 0);
  EXPECT_EQ(cudaStreamWaitEvent(on, join), 0);
  ASSERT_EQ(cudaStreamEndCapture(on, &graph), 0);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), 0);
  EXPECT_EQ(cudaEventQuery(join), cudaErrorCapturedEvent);

  EXPECT_EQ(host(at, 1)[0], 1);
  EXPECT_EQ(cudaGraphLaunch(exec, on), 0);
  EXPECT_EQ(host(at, 1)[0], 8);
  EXPECT_EQ(cudaStreamQuery(other), 0);
  EXPECT_EQ(cudaGraphExecDestroy(exec), 0);
  EXPECT_EQ(cudaGraphDestroy(graph), 0);
  cudaGetLastError();
}

TEST_F(cuda_emulation_runtime_test, spoils_captures_that_would_wait) {
  cudaGraph_t graph = nullptr;
  void* at = nullptr;

  ASSERT_EQ(cudaStreamBeginCapture(on, cudaStreamCaptureModeGlobal), 0);
  EXPECT_EQ(cudaStreamSynchronize(on), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(
      cudaStreamEndCapture(on, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(graph, nullptr);

  ASSERT_EQ(cudaStreamBeginCapture(on, cudaStreamCaptureModeGlobal), 0);
  EXPECT_EQ(cudaMalloc(&at, 4), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(
      cudaStreamEndCapture(on, &graph), cudaErrorStreamCaptureInvalidated);

  EXPECT_EQ(cudaStreamEndCapture(on, &graph), cudaErrorIllegalState);
  EXPECT_EQ(cudaStreamSynchronize(on), 0);
  cudaGetLastError();
}

TEST_F(cuda_emulation_runtime_test,
    lets_nobody_wait_for_a_device_while_one_of_its_streams_captures) {
  cudaGraph_t graph = nullptr;
  cudaError_t synchronised = cudaSuccess, allocated = cudaSuccess;
  void* at = nullptr;

  for (auto mode :
      {cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed}) {
    ASSERT_EQ(cudaStreamBeginCapture(on, mode), 0);
    std::thread{[&] {
      allocated = cudaMalloc(&at, 4);
      EXPECT_EQ(cudaFree(at), 0);
    }}.join();
    ASSERT_EQ(cudaStreamEndCapture(on, &graph), 0) << "modes are ignored";
    EXPECT_EQ(cudaGraphDestroy(graph), 0);
    EXPECT_EQ(allocated, cudaSuccess);

    ASSERT_EQ(cudaStreamBeginCapture(on, mode), 0);
    std::thread{[&] { synchronised = cudaDeviceSynchronize(); }}.join();
    EXPECT_EQ(synchronised, cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(
        cudaStreamEndCapture(on, &graph), cudaErrorStreamCaptureInvalidated);
  }
  cudaGetLastError();
}

TEST_F(cuda_emulation_runtime_test, locks_so_much_of_the_hosts_memory) {
  void* at = nullptr;

  EXPECT_EQ(cudaMallocHost(&at, (std::size_t{2} << 30) + 1),
      cudaErrorMemoryAllocation);
  EXPECT_EQ(at, nullptr);
  cudaGetLastError();
}

TEST_F(cuda_emulation_runtime_test, does_nothing_on_a_device_that_has_failed) {
  auto* at = device(std::vector<int>{1});
  bool called = false;
  auto call = [](void* to) { *static_cast<bool*>(to) = true; };
  void* more = nullptr;

  close(on);
  troupe::cuda_emulation::queue_fault(on, cudaErrorIllegalAddress);
  ASSERT_EQ(launch(on, add_kernel, 1, 32, at, 1, 5), 0);
  ASSERT_EQ(cudaLaunchHostFunc(on, call, &called), 0);
  open();

  EXPECT_EQ(cudaStreamSynchronize(on), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaMalloc(&more, 4), cudaErrorIllegalAddress);
  EXPECT_EQ(launch(on, add_kernel, 1, 32, at, 1, 5), cudaErrorIllegalAddress);
  troupe::cuda_emulation::mend(0);
  EXPECT_FALSE(called);
  EXPECT_EQ(host(at, 1)[0], 1);
  cudaGetLastError();
}

} // namespace
