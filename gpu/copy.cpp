#include "gpu/copy.hpp"

#include <cstring>

#include "gpu/cuda/presence.hpp"
#include "gpu/cuda/runtime.hpp"

namespace troupe::gpu {

void copy_bytes(
    device_stream& on, const void* from, void* to, std::size_t bytes) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::copy(*on.cuda(), from, to, bytes);
  if (bytes > 0)
    std::memcpy(to, from, bytes);
}

} // namespace troupe::gpu
