#include "gpu/cuda/error.hpp"
#include "gpu/cuda/runtime.hpp"
#include "gpu/cuda/stream.hpp"

namespace troupe::gpu::cuda {

/// What was recorded, ready to be launched.
class graph {
public:
  explicit graph(cudaGraph_t what) {
    check_made(cudaGraphInstantiate(&ready_, what, 0));
  }
  ~graph() { static_cast<void>(cudaGraphExecDestroy(ready_)); }
  graph(const graph&) = delete;
  graph& operator=(const graph&) = delete;

  cudaGraphExec_t ready() const noexcept { return ready_; }

private:
  cudaGraphExec_t ready_ = nullptr;
};

std::shared_ptr<graph> record(stream& on, const std::function<void()>& work) {
  const auto handle = on.handle();
  cudaGraph_t made = nullptr;
  check(cudaStreamBeginCapture(handle, cudaStreamCaptureModeThreadLocal));
  try {
    work();
  } catch (...) {
    static_cast<void>(cudaStreamEndCapture(handle, &made));
    if (made != nullptr)
      static_cast<void>(cudaGraphDestroy(made));
    throw;
  }
  check(cudaStreamEndCapture(handle, &made));
  const std::unique_ptr<CUgraph_st, decltype(&cudaGraphDestroy)> owner{
      made, &cudaGraphDestroy};
  return std::make_shared<graph>(made);
}

void play(stream& on, const graph& what) {
  check(cudaGraphLaunch(what.ready(), on.handle()));
  on.launched();
}

} // namespace troupe::gpu::cuda
