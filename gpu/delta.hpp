#pragma once

#include <span>

#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// trained[i] -= given[i], in float; what a client contributes. Returns the
/// largest |delta|, or NaN if any is not finite. The sizes must agree.
float to_delta(std::span<float> trained, std::span<const float> given);

/// The same on a stream's device, with the same bits; waits for the stream.
float to_delta(
    device_stream& on, std::span<float> trained, std::span<const float> given);

/// The largest |value|, or NaN if any is not finite. Waits for the stream.
float largest_magnitude(device_stream& on, std::span<const float> values);

} // namespace troupe::gpu
