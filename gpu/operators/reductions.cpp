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

/// Of a tile that are added side by side: a GPU's warp.
constexpr std::size_t side_by_side = 32;

[[gnu::always_inline]] inline double square_tile(
    std::span<const float> values) noexcept {
  std::array<double, side_by_side> sums{};
  std::size_t first = 0;
  for (; first + side_by_side <= values.size(); first += side_by_side)
    for (std::size_t i = 0; i < side_by_side; ++i)
      sums[i] += double(values[first + i]) * double(values[first + i]);
  for (std::size_t i = 0; first + i < values.size(); ++i)
    sums[i] += double(values[first + i]) * double(values[first + i]);
  for (auto half = side_by_side / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i)
      sums[i] += sums[i + half];
  return sums[0];
}

[[gnu::always_inline]] inline void square_tiles(std::span<const float> values,
    std::size_t tile, std::span<double> sums) noexcept {
  for (std::size_t i = 0; i < sums.size(); ++i)
    sums[i] = square_tile(
        values.subspan(i * tile, std::min(tile, values.size() - i * tile)));
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void square_tiles_by_avx2(std::span<const float> values,
    std::size_t tile, std::span<double> sums) noexcept {
  square_tiles(values, tile, sums);
}
#endif

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

void sums_of_squares(device_stream& on, std::span<const float> values,
    std::size_t tile, std::span<double> sums) {
  assert(sums.size() == (values.size() + tile - 1) / tile && "a sum a tile");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::sums_of_squares(on, values, tile, sums);
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide)
    return square_tiles_by_avx2(values, tile, sums);
#endif
  square_tiles(values, tile, sums);
}

} // namespace troupe::gpu
