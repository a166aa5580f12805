#include "gpu/device_stream.hpp"

#include <stdexcept>
#include <utility>

#include "gpu/cuda/presence.hpp"
#include "gpu/cuda/runtime.hpp"

namespace troupe::gpu {

device_stream::device_stream(device where, precision products)
    : where_(where), products_(products) {
  if (!on_gpu() && products == precision::bf16)
    throw std::invalid_argument("bf16 needs a GPU");
  if (!on_gpu())
    return;
  require(where);
  if constexpr (cuda::present)
    cuda_ = cuda::open(where.index);
}

void device_stream::synchronise(source_location at) {
  if constexpr (cuda::present)
    if (on_gpu())
      return cuda::synchronise(*cuda_, at);
  static_cast<void>(at);
}

void device_stream::notify(std::function<void()> then, source_location at) {
  if constexpr (cuda::present)
    if (on_gpu())
      return cuda::notify(*cuda_, std::move(then), at);
  static_cast<void>(at);
  then();
}

} // namespace troupe::gpu
