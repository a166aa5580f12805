#include "gpu/aggregation/ordered_sum.hpp"

#include <algorithm>

namespace troupe::gpu::ordered {
namespace {

double tile_of_squares(std::span<const float> values) noexcept {
  std::array<double, lanes> sums{};
  std::size_t first = 0;
  for (; first + lanes <= values.size(); first += lanes)
    for (std::size_t i = 0; i < lanes; ++i)
      sums[i] += double(values[first + i]) * double(values[first + i]);
  for (std::size_t i = 0; first + i < values.size(); ++i)
    sums[i] += double(values[first + i]) * double(values[first + i]);
  return fold(sums);
}

} // namespace

double fold(std::array<double, lanes>& sums) noexcept {
  for (auto half = lanes / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i)
      sums[i] += sums[i + half];
  return sums[0];
}

double sum_of_squares(std::span<const float> values) {
  std::array<double, lanes> sums{};
  for (std::size_t i = 0; i < tiles(values.size()); ++i) {
    const auto first = i * tile;
    sums[i % lanes] += tile_of_squares(
        values.subspan(first, std::min(tile, values.size() - first)));
  }
  return fold(sums);
}

} // namespace troupe::gpu::ordered
