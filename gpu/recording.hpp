#pragma once

#include <functional>
#include <memory>

#include "gpu/device_stream.hpp"

namespace troupe::gpu {

namespace cuda {
class graph;
}

/// The same operators over and over: on a GPU they are recorded once and then
/// queued as one (a CUDA graph), which costs a launch instead of one each; on a
/// CPU they are called, and where launches are waited for (TROUPE_CUDA_SYNC).
/// The operators must neither take memory nor wait, and
/// have been called once before.
class recording {
public:
  recording() = default;
  recording(device_stream& on, std::function<void()> work);
  /// Queues the work once more.
  void play(device_stream& on) const;

  explicit operator bool() const noexcept { return bool(work_); }

private:
  std::function<void()> work_;
  std::shared_ptr<cuda::graph> graph_;
};

} // namespace troupe::gpu
