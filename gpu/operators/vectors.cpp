#include "gpu/operators/vectors.hpp"

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"

#include <cassert>

namespace troupe::gpu {

void scale_and_add(device_stream& on, float a, std::span<const float> x,
    float b, std::span<float> y) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::scale_and_add(on, a, x, b, y);
  assert(x.size() == y.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    y[i] = b == 0.0f ? a * x[i] : a * x[i] + b * y[i];
}

} // namespace troupe::gpu
