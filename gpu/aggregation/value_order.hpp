#pragma once

#include <cstdint>

/// Floats as unsigned keys that order as their values do: -infinity, ..., -0,
/// 0, ..., infinity, and every NaN above.
namespace troupe::gpu::value_order {

inline constexpr std::uint32_t nan_key = 0xffffffff;
inline constexpr std::uint32_t nan_bits =
    0x7fc00000; ///< the NaN that comes out
inline constexpr std::uint32_t sign = 0x80000000;
inline constexpr std::uint32_t infinity = 0x7f800000;

constexpr std::uint32_t key(std::uint32_t bits) {
  if ((bits & ~sign) > infinity)
    return nan_key;
  return bits & sign ? ~bits : bits | sign;
}

/// The way back; of `nan_key` some NaN.
constexpr std::uint32_t bits(std::uint32_t key) {
  return key & sign ? key & ~sign : ~key;
}

} // namespace troupe::gpu::value_order
