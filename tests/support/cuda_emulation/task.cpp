#include "tests/support/cuda_emulation/task.hpp"

#include "tests/support/cuda_emulation/machine.hpp"

namespace troupe::cuda_emulation {

cudaError_t queue_task(cudaStream_t stream, std::function<void()> task) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  auto on = find(stream);
  if (!on || on->device != current_device())
    return told(cudaErrorInvalidResourceHandle);
  {
    std::lock_guard lock{the_machine().guard};
    if (on->recording) {
      on->recording->spoiled = true;
      return told(cudaErrorStreamCaptureUnsupported);
    }
  }
  return told(submit(stream, std::move(task)));
}

} // namespace troupe::cuda_emulation
