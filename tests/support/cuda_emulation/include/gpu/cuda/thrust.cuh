#pragma once

#include <memory>
#include <type_traits>

#include <thrust/execution_policy.h>
#include <thrust/system/cpp/execution_policy.h>

#include "gpu/cuda/error.hpp"
#include "gpu/cuda/stream.hpp"
#include "tests/support/cuda_emulation/task.hpp"

// Stands in for our own header where kernels are emulated: Thrust's sequential
// C++ backend, one call of it one task of an emulated stream.
namespace troupe::gpu::cuda {

template <class Work>
void queue_thrust(const device_stream& on, Work work) {
  check(cuda_emulation::queue_task(
      handle(on), [work] { work(thrust::cpp::par); }));
}

template <class Work>
auto answer_of_thrust(const device_stream& on, Work work) {
  using result = std::invoke_result_t<Work, const decltype(thrust::cpp::par)&>;
  auto answer = std::make_shared<result>();
  queue_thrust(on, [=](const auto& policy) { *answer = work(policy); });
  check(cudaStreamSynchronize(handle(on)));
  return *answer;
}

} // namespace troupe::gpu::cuda
