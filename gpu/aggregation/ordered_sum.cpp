#include "gpu/aggregation/ordered_sum.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::gpu::ordered {
namespace {

// `square_of` is told a place; two loops, so that the inner one vectorises.
template <class Square>
double sum_of(std::size_t count, Square square_of) {
  std::array<double, columns> total{};
  for (std::size_t i = 0; i < tiles(count); ++i) {
    std::array<double, columns> sums{};
    const auto end = std::min(count, (i + 1) * tile);
    auto first = i * tile;
    for (; first + columns <= end; first += columns)
      for (std::size_t column = 0; column < columns; ++column)
        sums[column] += square_of(first + column);
    for (std::size_t column = 0; first + column < end; ++column)
      sums[column] += square_of(first + column);
    total[i % columns] += fold(sums);
  }
  return fold(total);
}

} // namespace

double fold(std::array<double, columns>& sums) noexcept {
  for (auto half = columns / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i)
      sums[i] += sums[i + half];
  return sums[0];
}

double sum_of_squares(std::span<const float> values) {
  return sum_of(values.size(),
      [=](std::size_t i) { return double(values[i]) * double(values[i]); });
}

double sum_of_squares(
    std::span<const float> values, std::span<const float> less) {
  assert(values.size() == less.size() && "differences pair equal blocks");
  return sum_of(values.size(), [=](std::size_t i) {
    const auto difference = double(values[i]) - double(less[i]);
    return difference * difference;
  });
}

} // namespace troupe::gpu::ordered
