#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace troupe::gpu::ordered {

/// The one order in which long sums are taken in double, so that a host and a
/// GPU get the same bits: a tile's values lie in rows of `columns`, each column
/// is added up downwards, and the columns' sums are folded in halves. The
/// tiles' sums are added up in the same way.
inline constexpr std::size_t columns = 256;
inline constexpr std::size_t tile = 32 * columns;

constexpr std::size_t tiles(std::size_t count) {
  return (count + tile - 1) / tile;
}

/// Halves the columns until one is left.
double fold(std::array<double, columns>& sums) noexcept;

/// The sum of the squares of values that come a piece at a time: the bits of
/// `sum_of_squares`, however they were cut.
class running_squares {
public:
  void add(std::span<const float> next);
  double sum() const noexcept;

private:
  void end_tile() noexcept;

  std::size_t count_ = 0;
  std::array<double, columns> sums_{};  // of the tile that is open
  std::array<double, columns> total_{}; // of those that are full
};

/// The sum of all squares, in that order. A float's square is exact in double.
double sum_of_squares(std::span<const float> values);

/// The same of the differences of two blocks of one size, taken in double.
double sum_of_squares(
    std::span<const float> values, std::span<const float> less);

} // namespace troupe::gpu::ordered
