#include <memory>
#include <utility>

#include "tests/support/cuda_emulation/machine.hpp"

using namespace troupe::cuda_emulation;

// Belongs to whoever holds the machine's guard.
struct CUevent_st {
  int device;
  bool timed;
  std::shared_ptr<mark> last; // null until it is recorded outside a capture
  bool captured = false;
  std::weak_ptr<capture> recording;
};

namespace {

/// What must be waited for; null where nothing was recorded.
cudaError_t latest(cudaEvent_t event, std::shared_ptr<mark>& result,
    std::source_location where = std::source_location::current()) {
  if (auto code = entered(where); code != cudaSuccess)
    return code;
  if (event == nullptr)
    return cudaErrorInvalidResourceHandle;
  std::lock_guard lock{the_machine().guard};
  if (event->captured) {
    if (auto into = event->recording.lock())
      into->spoiled = true;
    return cudaErrorCapturedEvent;
  }
  result = event->last;
  return cudaSuccess;
}

/// A stream that waits for captured work joins its capture.
cudaError_t join(CUstream_st& stream, const std::shared_ptr<capture>& other) {
  if (!stream.recording)
    stream.recording = other;
  if (stream.recording == other)
    return cudaSuccess;
  stream.recording->spoiled = other->spoiled = true;
  return cudaErrorStreamCaptureMerge;
}

} // namespace

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if ((flags & ~(cudaEventBlockingSync | cudaEventDisableTiming)) != 0)
    return told(cudaErrorInvalidValue);
  *event = new CUevent_st{
      current_device(), (flags & cudaEventDisableTiming) == 0, {}, false, {}};
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  delete event;
  return told(event == nullptr ? cudaErrorInvalidResourceHandle : cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  auto on = find(stream);
  if (event == nullptr || !on || on->device != event->device)
    return told(cudaErrorInvalidResourceHandle);
  std::lock_guard lock{the_machine().guard};
  event->recording = on->recording;
  event->captured = on->recording != nullptr;
  event->last = nullptr;
  if (!event->captured) {
    event->last = std::make_shared<mark>();
    on->queue.push([reached = event->last] { reached->set(); });
  }
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(
    cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  auto on = find(stream);
  if (event == nullptr || !on)
    return told(cudaErrorInvalidResourceHandle);
  if (flags != cudaEventWaitDefault)
    return told(cudaErrorInvalidValue);
  std::lock_guard lock{the_machine().guard};
  if (auto into = event->recording.lock(); event->captured && into)
    return told(join(*on, into));
  if (on->recording || event->captured) {
    if (on->recording)
      on->recording->spoiled = true;
    return told(cudaErrorStreamCaptureIsolation);
  }
  if (event->last)
    on->queue.push([reached = event->last] { reached->wait(); });
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  std::shared_ptr<mark> last;
  auto code = latest(event, last);
  if (code == cudaSuccess && last && !last->done())
    code = cudaErrorNotReady;
  return told(code);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  std::shared_ptr<mark> last;
  auto code = latest(event, last);
  if (code == cudaSuccess && last) {
    last->wait();
    code = failure_of(event->device);
  }
  return told(code);
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t from, cudaEvent_t to) {
  std::shared_ptr<mark> first, last;
  if (auto code = latest(from, first); code != cudaSuccess)
    return told(code);
  if (auto code = latest(to, last); code != cudaSuccess)
    return told(code);
  if (!from->timed || !to->timed || !first || !last)
    return told(cudaErrorInvalidResourceHandle);
  if (!first->done() || !last->done())
    return told(cudaErrorNotReady);
  std::chrono::duration<float, std::milli> span = last->when() - first->when();
  *ms = span.count();
  return cudaSuccess;
}
