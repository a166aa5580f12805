#pragma once

#include <span>

#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// y = a * x + b * y; with b = 0, `y` may hold anything before.
void scale_and_add(device_stream& on, float a, std::span<const float> x,
    float b, std::span<float> y);

} // namespace troupe::gpu
