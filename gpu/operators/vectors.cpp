#include "gpu/operators/vectors.hpp"

#include <cassert>

namespace troupe::gpu {

void scale_and_add(device_stream&, float a, std::span<const float> x, float b,
    std::span<float> y) {
  assert(x.size() == y.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    y[i] = b == 0.0f ? a * x[i] : a * x[i] + b * y[i];
}

} // namespace troupe::gpu
