#include "gpu/delta.hpp"

#include <bit>
#include <cassert>
#include <cstdint>
#include <limits>

namespace troupe::gpu {

float to_delta(std::span<float> trained, std::span<const float> given) {
  assert(trained.size() == given.size() && "a delta pairs equal blocks");
  // Magnitudes order as their bits do, with infinity and NaN on top; an integer
  // maximum vectorises where a float one with a NaN check would not.
  std::uint32_t top = 0;
  float* __restrict__ out = trained.data();
  const float* __restrict__ base = given.data();
  for (std::size_t i = 0; i < trained.size(); ++i) {
    float d = out[i] - base[i];
    out[i] = d;
    std::uint32_t bits = std::bit_cast<std::uint32_t>(d) & 0x7fffffffu;
    top = bits > top ? bits : top;
  }
  constexpr std::uint32_t infinity = 0x7f800000u;
  return top < infinity ? std::bit_cast<float>(top)
                        : std::numeric_limits<float>::quiet_NaN();
}

} // namespace troupe::gpu
