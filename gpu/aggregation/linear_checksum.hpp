#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// A linear checksum of a block of integers, modulo 2^64: the sum of each times
/// a multiplier that belongs to its place. So a sum of blocks has the sum of
/// their checksums, and a block that of its parts: what was added up can be
/// held against what came out, though neither is kept. Multipliers are odd, so
/// that a change of one integer never goes unseen. Against accidents; whoever
/// chooses the integers can choose the checksum.
namespace troupe::gpu::linear_checksum {

/// Places whose multipliers are as far apart, one from the next.
inline constexpr std::size_t block = 2048;

/// Of consecutive places in one block.
struct multipliers {
  std::uint64_t first = 0;
  std::uint64_t step = 0;
};

/// The finaliser of splitmix64 (Steele et al. 2014).
constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Of the places from this one on, to its block's end.
constexpr multipliers multipliers_from(std::uint64_t place) noexcept {
  const auto number = place / block;
  const auto step = (mixed(2 * number + 2) | 1) << 1;
  return {(mixed(2 * number + 1) | 1) + step * (place % block), step};
}

/// Rows of four integers each, summed with two additions an integer: `twice`
/// has summed `once` behind every row, so an integer is in it as often as rows
/// are left with its own.
struct row_sums {
  static constexpr std::size_t width = 4;

  std::array<std::uint64_t, width> once{};
  std::array<std::uint64_t, width> twice{};

  constexpr std::uint64_t checksum(
      multipliers with, std::size_t rows) const noexcept {
    std::uint64_t result = 0;
    for (std::size_t k = 0; k < width; ++k) {
      const auto by_row = rows * once[k] - twice[k];
      result +=
          with.first * once[k] + with.step * (k * once[k] + width * by_row);
    }
    return result;
  }
};

} // namespace troupe::gpu::linear_checksum
