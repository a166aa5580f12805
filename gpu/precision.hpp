#pragma once

#include <bit>
#include <cstdint>

namespace troupe::gpu {

/// How the operands of products (linear layers, convolutions, `multiply`) are
/// held while they are multiplied: as they are, or rounded to bf16, which
/// tensor cores multiply. Sums, results, gradients and parameters are in fp32
/// either way.
enum class precision : std::uint8_t { fp32, bf16 };

/// The upper half of a float: its range, and 8 bits of its 24.
struct bf16 {
  std::uint16_t bits = 0;
  friend bool operator==(bf16, bf16) = default;
};

/// To the nearest, ties to even; what is not a number stays none.
constexpr bf16 to_bf16(float x) noexcept {
  if (x != x)
    return {0x7fff};
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto up = 0x7fff + (bits >> 16 & 1);
  return {static_cast<std::uint16_t>((bits + up) >> 16)};
}

constexpr float to_float(bf16 x) noexcept {
  return std::bit_cast<float>(std::uint32_t{x.bits} << 16);
}

} // namespace troupe::gpu
