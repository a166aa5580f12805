#include "gpu/recording.hpp"

#include <utility>

#include "gpu/cuda/presence.hpp"
#include "gpu/cuda/runtime.hpp"

namespace troupe::gpu {

recording::recording(device_stream& on, std::function<void()> work)
    : work_(std::move(work)) {
  if constexpr (cuda::present)
    if (on.on_gpu() && !cuda::waits_for_launches(*on.cuda()))
      graph_ = cuda::record(*on.cuda(), work_);
}

void recording::play(device_stream& on) const {
  if constexpr (cuda::present)
    if (graph_)
      return cuda::play(*on.cuda(), *graph_);
  work_();
}

} // namespace troupe::gpu
