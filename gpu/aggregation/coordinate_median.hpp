#pragma once

#include <cstddef>
#include <span>

#include "gpu/aggregation/updates.hpp"
#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// Robust averages of Yin et al. 2018, "Byzantine-Robust Distributed Learning":
/// each value of `out` is one of the same value in every update. Values are put
/// in order with NaN above infinity and -0 below 0, whatever NaN's sign; their
/// mean is taken in double, from below, and rounded once. What is not a number
/// comes out as one and the same NaN: equal bits on every device.
///
/// Takes 1 to `updates_limit` updates of out.size() values; throws
/// `std::invalid_argument` for others. On a GPU every value is read once.

/// The middle value, or the mean of the two.
void coordinate_median(device_stream& on, updates of, std::span<float> out);

/// The mean of what is left without the `cut` lowest and the `cut` highest;
/// `std::invalid_argument` if nothing is.
void trimmed_mean(
    device_stream& on, updates of, std::size_t cut, std::span<float> out);

} // namespace troupe::gpu
