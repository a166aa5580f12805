#include <algorithm>
#include <utility>

#include "tests/support/cuda_emulation/machine.hpp"

using namespace troupe::cuda_emulation;

namespace {

/// Forgets destroyed streams that are done by now.
void reap() {
  std::vector<std::shared_ptr<CUstream_st>> done;
  std::lock_guard lock{the_machine().guard};
  std::erase_if(the_machine().retired, [&](auto& one) {
    auto idle = one->queue.idle();
    if (idle)
      done.push_back(std::move(one));
    return idle;
  });
}

/// The stream, if work on it may be waited for or asked about.
cudaError_t waitable(cudaStream_t stream, std::shared_ptr<CUstream_st>& found,
    std::source_location where = std::source_location::current()) {
  if (auto code = entered(where); code != cudaSuccess)
    return code;
  found = find(stream);
  if (!found)
    return cudaErrorInvalidResourceHandle;
  std::lock_guard lock{the_machine().guard};
  if (!found->recording)
    return cudaSuccess;
  found->recording->spoiled = true;
  return cudaErrorStreamCaptureUnsupported;
}

} // namespace

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (flags != cudaStreamNonBlocking) // the others wait for the legacy stream
    return told(flags == cudaStreamDefault ? cudaErrorNotSupported
                                           : cudaErrorInvalidValue);
  reap();
  auto made = std::make_shared<CUstream_st>(current_device());
  *stream = made.get();
  std::lock_guard lock{the_machine().guard};
  the_machine().streams.emplace(*stream, std::move(made));
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(
    cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = *greatest = 0;
  return told(entered());
}

// As in CUDA, returns at once; the stream ends with its work.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  auto& all = the_machine();
  std::lock_guard lock{all.guard};
  auto found = all.streams.find(stream);
  if (found == all.streams.end())
    return told(cudaErrorInvalidResourceHandle);
  if (found->second->recording)
    found->second->recording->spoiled = true;
  all.retired.push_back(std::move(found->second));
  all.streams.erase(found);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  std::shared_ptr<CUstream_st> found;
  auto code = waitable(stream, found);
  if (code == cudaSuccess) {
    found->queue.wait();
    code = failure_of(found->device);
  }
  return told(code);
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  std::shared_ptr<CUstream_st> found;
  auto code = waitable(stream, found);
  if (code == cudaSuccess)
    code = found->queue.idle() ? failure_of(found->device) : cudaErrorNotReady;
  return told(code);
}

cudaError_t cudaLaunchHostFunc(
    cudaStream_t stream, cudaHostFn_t f, void* data) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (f == nullptr)
    return told(cudaErrorInvalidValue);
  return told(submit(stream, [f, data] { f(data); }));
}
