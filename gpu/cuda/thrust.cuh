#pragma once

#include <cstddef>
#include <source_location>
#include <string>
#include <utility>

#include <thrust/execution_policy.h>
#include <thrust/system/cuda/execution_policy.h>
#include <thrust/system_error.h>

#include "gpu/cuda/error.hpp"
#include "gpu/cuda/stream.hpp"

// How Thrust runs on a stream. The emulation in tests has a header of the same
// name, in which Thrust's own C++ backend is one task of an emulated stream.
namespace troupe::gpu::cuda {

/// Thrust's working memory, in the order of a stream.
class scratch_of_thrust {
public:
  using value_type = char;
  explicit scratch_of_thrust(stream& from) : from_(&from) {}
  char* allocate(std::ptrdiff_t bytes) {
    return static_cast<char*>(from_->take(static_cast<std::size_t>(bytes)));
  }
  void deallocate(char* block, std::size_t) noexcept { from_->give(block); }

private:
  stream* from_;
};

/// What work(policy) returns once Thrust knows it, which waits for the stream.
template <class Work>
auto answer_of_thrust(const device_stream& on, Work work,
    std::source_location where = std::source_location::current()) {
  auto capture = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(handle(on), &capture), where);
  if (capture != cudaStreamCaptureStatusNone)
    check(cudaErrorStreamCaptureUnsupported, where);
  scratch_of_thrust scratch{of(on)};
  try {
    return work(thrust::cuda::par_nosync(scratch).on(handle(on)));
  } catch (const thrust::system_error& error) {
    static_cast<void>(cudaGetLastError());
    throw cuda_error{std::string{"Thrust: "} + error.what(), where};
  }
}

/// Queues what work(policy) asks for.
template <class Work>
void queue_thrust(const device_stream& on, Work work,
    std::source_location where = std::source_location::current()) {
  answer_of_thrust(on, std::move(work), where);
}

} // namespace troupe::gpu::cuda
