#include <memory>
#include <utility>

#include "tests/support/cuda_emulation/machine.hpp"

using namespace troupe::cuda_emulation;

struct CUgraph_st {
  std::vector<work> steps;
};
struct CUgraphExec_st {
  std::shared_ptr<const std::vector<work>> steps; // launches share it
};

cudaError_t cudaStreamBeginCapture(
    cudaStream_t stream, cudaStreamCaptureMode mode) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (stream == nullptr)
    return told(cudaErrorStreamCaptureUnsupported);
  auto on = find(stream);
  if (!on)
    return told(cudaErrorInvalidResourceHandle);
  std::lock_guard lock{the_machine().guard};
  if (on->recording)
    return told(cudaErrorStreamCaptureUnsupported);
  on->recording = std::make_shared<capture>(
      capture{stream, mode, std::this_thread::get_id(), {}});
  the_machine().captures.push_back(on->recording);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  *graph = nullptr;
  auto on = find(stream);
  if (!on)
    return told(cudaErrorInvalidResourceHandle);
  auto& all = the_machine();
  std::lock_guard lock{all.guard};
  auto ended = on->recording;
  if (!ended)
    return told(cudaErrorIllegalState);
  if (ended->origin != stream)
    return told(cudaErrorStreamCaptureUnmatched);
  if (ended->mode != cudaStreamCaptureModeRelaxed &&
      ended->by != std::this_thread::get_id())
    return told(cudaErrorStreamCaptureWrongThread);
  for (auto& [handle, one] : all.streams)
    if (one->recording == ended)
      one->recording = nullptr;
  std::erase(all.captures, ended);
  if (ended->spoiled)
    return told(cudaErrorStreamCaptureInvalidated);
  *graph = new CUgraph_st{std::move(ended->steps)};
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(
    cudaStream_t stream, cudaStreamCaptureStatus* status) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  auto on = find(stream);
  if (!on)
    return told(cudaErrorInvalidResourceHandle);
  std::lock_guard lock{the_machine().guard};
  *status = !on->recording           ? cudaStreamCaptureStatusNone
            : on->recording->spoiled ? cudaStreamCaptureStatusInvalidated
                                     : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(
    cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (graph == nullptr || flags != 0)
    return told(cudaErrorInvalidValue);
  *exec = new CUgraphExec_st{
      std::make_shared<const std::vector<work>>(graph->steps)};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (exec == nullptr)
    return told(cudaErrorInvalidValue);
  return told(submit(stream, [steps = exec->steps] {
    for (const auto& step : *steps)
      step();
  }));
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  delete graph;
  return told(graph == nullptr ? cudaErrorInvalidValue : cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  delete exec;
  return told(exec == nullptr ? cudaErrorInvalidValue : cudaSuccess);
}
