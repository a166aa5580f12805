#include "gpu/copy.hpp"

#include <cstring>

#include "gpu/cuda/presence.hpp"
#include "gpu/cuda/runtime.hpp"

namespace troupe::gpu {

void copy_bytes(device_stream& on, const void* from, void* to,
    std::size_t bytes, source_location at) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::copy(*on.cuda(), from, to, bytes, at);
  static_cast<void>(at);
  if (bytes > 0)
    std::memcpy(to, from, bytes);
}

void copy_across(
    device_stream& on, const buffer& from, range part, std::span<float> to) {
  const auto there = from.where();
  const auto values = part.of(from.span());
  if constexpr (cuda::present)
    if (on.on_gpu() && there.kind == device_kind::cuda && there != on.where()) {
      cuda::copy_between(*on.cuda(), there.index, values.data(), to.data(),
          values.size_bytes(), source_location::current());
      return on.synchronise();
    }
  if (!on.on_gpu() && there.kind == device_kind::cuda) {
    device_stream theirs{there};
    copy<float>(theirs, values, to);
    return theirs.synchronise();
  }
  copy<float>(on, values, to);
  on.synchronise();
}

} // namespace troupe::gpu
