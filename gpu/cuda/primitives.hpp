#pragma once

#include <cstdint>
#include <span>

#include "gpu/device_stream.hpp"

/// What Thrust does for us, in the order of a stream and with working memory of
/// that stream. `on` is on a GPU and is not being recorded: Thrust takes memory
/// and waits, which recordings may not. The order of sums depends on their size
/// and the model of the card alone.
namespace troupe::gpu::cuda::primitives {

/// In double. Both wait for the stream.
double sum(device_stream& on, std::span<const float> x);
double sum_of_squares(device_stream& on, std::span<const float> x);

/// Its bits, infinity and NaN above all others; 0 of none. Waits.
std::int32_t largest_magnitude(device_stream& on, std::span<const float> x);

/// Sorts from the least key to the largest, and `values` with them; those of
/// equal keys stay in order.
void sort(device_stream& on, std::span<std::uint32_t> keys,
    std::span<std::uint32_t> values);

/// Keeps, in order, the values whose magnitudes are above the bits `border`,
/// and their places. There is room for exactly that many. Waits.
void select(device_stream& on, std::span<const float> values,
    std::int32_t border, std::span<std::uint32_t> places,
    std::span<float> kept);

/// The same of values that have names, and of those whose magnitudes are the
/// border's the first `equals` too.
void select_first(device_stream& on, std::span<const std::uint32_t> names,
    std::span<const float> values, std::int32_t border, std::uint32_t equals,
    std::span<std::uint32_t> kept_names, std::span<float> kept);

} // namespace troupe::gpu::cuda::primitives
