#pragma once

#include <span>

namespace troupe::gpu {

/// trained[i] -= given[i], in float; what a client contributes. Returns the
/// largest |delta|, or NaN if any is not finite. The sizes must agree.
float to_delta(std::span<float> trained, std::span<const float> given);

} // namespace troupe::gpu
