#include "gpu/operators/reductions.hpp"

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/cuda/primitives.hpp"
#include "gpu/host/each_lane.hpp"

#include <algorithm>
#include <array>

namespace troupe::gpu {
namespace {

/// Columns that are summed at a time: they stay in registers or nearly so.
constexpr std::size_t strip = 64;

void sum_columns_of_one(const_matrix x, gradient_sink to) {
  assert(!x.transposed && to.destination.size == x.columns);
  std::array<float, strip> sums;
  for (std::size_t first = 0; first < x.columns; first += strip) {
    const auto count = std::min(strip, x.columns - first);
    std::fill_n(sums.begin(), count, 0.0f);
    for (std::size_t row = 0; row < x.rows; ++row) {
      const auto* from = x.data + row * x.columns + first;
      for (std::size_t i = 0; i < count; ++i)
        sums[i] += from[i];
    }
    auto* into = to.destination.data + first;
    for (std::size_t i = 0; i < count; ++i)
      into[i] = to.beta == 0.0f ? to.alpha * sums[i]
                                : to.alpha * sums[i] + to.beta * into[i];
  }
}

} // namespace

void sum_columns(
    device_stream& on, const_matrix x, gradient_sink to, std::size_t rows) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::sum_columns(on, x, to, rows);
  host::each_lane(
      to.destination, x,
      [&](std::size_t i, std::size_t first, std::size_t n) {
        sum_columns_of_one(x.slice(first, n), to.lane(i));
      },
      rows);
}

double sum(device_stream& on, std::span<const float> x) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::primitives::sum(on, x);
  double result = 0.0;
  for (auto value : x)
    result += value;
  return result;
}

double sum_of_squares(device_stream& on, std::span<const float> x) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::primitives::sum_of_squares(on, x);
  // Eight sums side by side, so that no addition waits for the one before.
  std::array<double, 8> sums{};
  for (std::size_t i = 0; i < x.size(); ++i)
    sums[i % sums.size()] += double(x[i]) * double(x[i]);
  double result = 0.0;
  for (auto part : sums)
    result += part;
  return result;
}

} // namespace troupe::gpu
