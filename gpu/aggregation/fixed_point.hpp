#pragma once

#include <bit>
#include <cstdint>

/// The number formats of the exact accumulator, for every kind of device.
namespace troupe::gpu::fixed_point {

inline constexpr double value_scale = 0x1p41;  ///< sums count 1 / value_scale
inline constexpr double weight_scale = 0x1p50; ///< weights, 1 / weight_scale

/// Doubles from 2^52 to 2^53 are the integers: adding 1.5 x 2^52 rounds any
/// |x| < 2^51 to the nearest one, and the difference of the bits is that one.
inline constexpr double magic = 0x1.8p52;
inline constexpr std::int64_t magic_bits = 0x4338000000000000;

/// |x| as bits orders magnitudes, with infinity and NaN above all others. An
/// integer maximum vectorises where a float one with a NaN check would not.
inline constexpr std::int32_t magnitude_mask = 0x7fffffff;
inline constexpr std::int32_t infinity_bits = 0x7f800000;
constexpr std::int32_t magnitude(float x) noexcept {
  return std::bit_cast<std::int32_t>(x) & magnitude_mask;
}

} // namespace troupe::gpu::fixed_point
