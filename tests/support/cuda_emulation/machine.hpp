#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <source_location>
#include <thread>
#include <vector>

#include "tests/support/cuda_emulation/runtime_api.hpp"
#include "tests/support/cuda_emulation/worker.hpp"

namespace troupe::cuda_emulation {

/// What some streams record instead of doing it, in the order of the calls,
/// which keeps every order that streams and events ask for.
struct capture {
  cudaStream_t origin;
  cudaStreamCaptureMode mode;
  std::thread::id by;
  std::vector<work> steps;
  bool spoiled = false;
};

} // namespace troupe::cuda_emulation

struct CUstream_st {
  explicit CUstream_st(int device_) : device(device_) {}

  const int device;
  troupe::cuda_emulation::worker queue;
  std::shared_ptr<troupe::cuda_emulation::capture> recording;
};

struct CUmemPoolHandle_st {
  int device;
  std::uint64_t threshold = 0;
  std::size_t used = 0, most_used = 0;
  std::set<int> reached_by{}; // devices beside its own
};

namespace troupe::cuda_emulation {

struct emulated_device {
  std::shared_ptr<CUstream_st> legacy;
  CUmemPoolHandle_st pool;
  std::size_t used = 0;
  std::set<int> reaches{}; // what cudaMalloc took on other devices
  cudaError_t failed = cudaSuccess;
};

/// The machine as TROUPE_EMULATED_GPUS and its like describe it (README.md).
/// Everything below `guard` belongs to whoever holds it. Never destroyed, as
/// buffers may outlive all static objects.
struct machine {
  machine();

  int device_count;
  std::size_t device_bytes;
  std::size_t pinned_bytes;
  std::uint64_t seed;
  bool peers; // whether devices could reach each other's memory
  std::atomic<unsigned> property_queries = 0;

  std::mutex guard;
  std::vector<emulated_device> devices;
  std::map<cudaStream_t, std::shared_ptr<CUstream_st>> streams;
  std::vector<std::shared_ptr<CUstream_st>> retired; // destroyed, may be busy
  std::vector<std::shared_ptr<capture>> captures;
  std::size_t pinned_used = 0;
  std::vector<work> never; // what devices had to do when they failed
};
machine& the_machine();

/// The calling thread's device; nonsense where there are none.
int current_device();
bool is_device(int device);

/// First in every call: whether there is a device, and works. Ends the process
/// in a host function, where CUDA forbids all calls.
cudaError_t entered(
    std::source_location where = std::source_location::current());
/// Likewise, for calls that would spoil a capture, and do.
cudaError_t entered_outside_captures(
    std::source_location where = std::source_location::current());

/// What a device that has failed answers to every call; success while it works.
cudaError_t failure_of(int device);

/// The stream of a handle; null if there is none. Not under the guard.
std::shared_ptr<CUstream_st> find(cudaStream_t stream);
/// Queues `step` on a stream, or records it where that captures. A device that
/// has failed by then never takes it.
cudaError_t submit(cudaStream_t stream, work step);
/// All streams of a device, those that work off their last tasks too.
std::vector<std::shared_ptr<CUstream_st>> streams_of(int device);

} // namespace troupe::cuda_emulation
