#include "gpu/aggregation/ordered_sum.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::gpu::ordered {
namespace {

// `square_of` is told a place; two loops, so that the inner one vectorises.
template <class Square>
double sum_of(std::size_t count, Square square_of) {
  std::array<double, lanes> total{};
  for (std::size_t i = 0; i < tiles(count); ++i) {
    std::array<double, lanes> sums{};
    const auto end = std::min(count, (i + 1) * tile);
    auto first = i * tile;
    for (; first + lanes <= end; first += lanes)
      for (std::size_t lane = 0; lane < lanes; ++lane)
        sums[lane] += square_of(first + lane);
    for (std::size_t lane = 0; first + lane < end; ++lane)
      sums[lane] += square_of(first + lane);
    total[i % lanes] += fold(sums);
  }
  return fold(total);
}

} // namespace

double fold(std::array<double, lanes>& sums) noexcept {
  for (auto half = lanes / 2; half > 0; half /= 2)
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
