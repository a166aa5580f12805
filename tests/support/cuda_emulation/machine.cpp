#include "tests/support/cuda_emulation/machine.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace troupe::cuda_emulation {
namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t unset) {
  const char* text = std::getenv(name);
  if (text == nullptr)
    return unset;
  char* end = nullptr;
  auto value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0')
    die("%s = \"%s\" is no number", name, text);
  return value;
}

thread_local int this_threads_device = 0;

// What a driver held for a device that failed, it holds for good.
void perform(work step, int device) {
  if (failure_of(device) == cudaSuccess)
    return step();
  std::lock_guard lock{the_machine().guard};
  the_machine().never.push_back(std::move(step));
}

} // namespace

machine::machine()
    : device_count(
          static_cast<int>(number_from_environment("TROUPE_EMULATED_GPUS", 1))),
      device_bytes(
          number_from_environment("TROUPE_EMULATED_GPU_BYTES", 2ull << 30)),
      pinned_bytes(
          number_from_environment("TROUPE_EMULATED_PINNED_BYTES", 2ull << 30)),
      seed(number_from_environment("TROUPE_EMULATED_SEED", 1)),
      peers(number_from_environment("TROUPE_EMULATED_PEERS", 0) != 0) {
  for (int i = 0; i < device_count; ++i)
    devices.push_back({std::make_shared<CUstream_st>(i), {i}});
}

machine& the_machine() {
  static auto* one = new machine;
  return *one;
}

int current_device() {
  return this_threads_device;
}

bool is_device(int device) {
  return device >= 0 && device < the_machine().device_count;
}

cudaError_t entered(std::source_location where) {
  if (worker::is_this_thread())
    die("%s was called in a host function, where CUDA forbids it",
        where.function_name());
  if (the_machine().device_count == 0)
    return cudaErrorNoDevice;
  return failure_of(current_device());
}

cudaError_t failure_of(int device) {
  auto& all = the_machine();
  std::lock_guard lock{all.guard};
  return all.devices.at(static_cast<std::size_t>(device)).failed;
}

cudaError_t entered_outside_captures(std::source_location where) {
  if (auto code = entered(where); code != cudaSuccess)
    return code;
  std::lock_guard lock{the_machine().guard};
  auto result = cudaSuccess;
  for (auto& one : the_machine().captures)
    if (one->mode == cudaStreamCaptureModeGlobal ||
        (one->mode == cudaStreamCaptureModeThreadLocal &&
            one->by == std::this_thread::get_id())) {
      one->spoiled = true;
      result = cudaErrorStreamCaptureUnsupported;
    }
  return result;
}

std::shared_ptr<CUstream_st> find(cudaStream_t stream) {
  auto& all = the_machine();
  std::lock_guard lock{all.guard};
  if (stream == nullptr)
    return all.devices.at(static_cast<std::size_t>(current_device())).legacy;
  auto found = all.streams.find(stream);
  return found == all.streams.end() ? nullptr : found->second;
}

cudaError_t submit(cudaStream_t stream, work step) {
  auto to = find(stream);
  if (!to)
    return cudaErrorInvalidResourceHandle;
  std::lock_guard lock{the_machine().guard};
  if (!to->recording)
    to->queue.push([step = std::move(step), device = to->device]() mutable {
      perform(std::move(step), device);
    });
  else if (to->recording->spoiled)
    return cudaErrorStreamCaptureInvalidated;
  else
    to->recording->steps.push_back(std::move(step));
  return cudaSuccess;
}

std::vector<std::shared_ptr<CUstream_st>> streams_of(int device) {
  auto& all = the_machine();
  std::lock_guard lock{all.guard};
  std::vector<std::shared_ptr<CUstream_st>> result{
      all.devices.at(static_cast<std::size_t>(device)).legacy};
  auto take = [&](const auto& one) {
    if (one->device == device)
      result.push_back(one);
  };
  for (const auto& [handle, one] : all.streams)
    take(one);
  std::ranges::for_each(all.retired, take);
  return result;
}

} // namespace troupe::cuda_emulation

using namespace troupe::cuda_emulation;

// Looks at the context that it makes current.
cudaError_t cudaSetDevice(int device) {
  if (worker::is_this_thread())
    return told(entered());
  if (the_machine().device_count == 0)
    return told(cudaErrorNoDevice);
  if (!is_device(device))
    return told(cudaErrorInvalidDevice);
  this_threads_device = device;
  return told(failure_of(device));
}
