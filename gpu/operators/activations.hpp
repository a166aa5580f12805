#pragma once

#include <cstdint>
#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// What a layer does to its sums before it hands them on.
enum class activation : std::uint8_t { none, relu };

/// Adds `bias` to every row of `x`, then activates, in place. NaN stays NaN.
void add_bias(
    device_stream& on, std::span<const float> bias, activation then, matrix x);

/// out = max(in, 0); NaN stays NaN. `out` may be `in`.
void relu(device_stream& on, std::span<const float> in, std::span<float> out);

/// Zeroes, in place, the gradient of what ReLU had cut off: of every element
/// whose `out` is 0.
void relu_backward(
    device_stream& on, std::span<const float> out, std::span<float> gradient);

} // namespace troupe::gpu
