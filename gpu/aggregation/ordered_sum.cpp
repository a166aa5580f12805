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

void running_squares::add(std::span<const float> next) {
  while (!next.empty()) {
    const auto column = count_ % columns;
    const auto size = std::min(next.size(), columns - column);
    for (std::size_t i = 0; i < size; ++i)
      sums_[column + i] += double(next[i]) * double(next[i]);
    count_ += size;
    next = next.subspan(size);
    if (count_ % tile == 0)
      end_tile();
  }
}

void running_squares::end_tile() noexcept {
  total_[(count_ / tile - 1) % columns] += fold(sums_);
  sums_.fill(0.0);
}

double running_squares::sum() const noexcept {
  auto sums = sums_;
  auto total = total_;
  if (count_ % tile != 0)
    total[count_ / tile % columns] += fold(sums);
  return fold(total);
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
