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

/// out[i] = (given[i] + delta[i]) - current[i], in float: what the model that
/// `delta` makes of `given` has beyond `current`. `out` may be `delta`; the
/// same bits on every device. The sizes must agree.
void rebase(device_stream& on, std::span<const float> given,
    std::span<const float> delta, std::span<const float> current,
    std::span<float> out);

/// The largest |a - b| of blocks on the host, or NaN if any is not finite.
float largest_difference(std::span<const float> a, std::span<const float> b);

/// The largest |value|, or NaN if any is not finite. Waits for the stream.
float largest_magnitude(device_stream& on, std::span<const float> values);

} // namespace troupe::gpu
