#include "gpu/aggregation/quantise.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

// A warp's lanes, whose order of summing this is.
constexpr std::size_t lanes = 32;

float largest_of(std::span<const float> values) {
  std::int32_t most = 0;
  for (auto value : values)
    most = std::max(most, fixed_point::magnitude(value));
  return std::bit_cast<float>(most);
}

float euclidean_norm_of(std::span<const float> values) {
  std::array<double, lanes> sums{};
  for (std::size_t i = 0; i < values.size(); ++i)
    sums[i % lanes] += double(values[i]) * double(values[i]);
  for (auto half = lanes / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i)
      sums[i] += sums[i + half];
  return static_cast<float>(std::sqrt(sums[0]));
}

float norm_of(const quantiser& how, std::span<const float> values) {
  const auto norm = how.norm == quantiser::norm_kind::largest
                        ? largest_of(values)
                        : euclidean_norm_of(values);
  return std::isfinite(norm) ? norm : std::numeric_limits<float>::quiet_NaN();
}

std::int8_t level_of(
    float value, double scale, std::uint32_t levels, std::uint32_t drawn) {
  const auto exact = std::abs(static_cast<double>(value)) * scale;
  const auto below = static_cast<std::uint32_t>(exact);
  const auto up = drawn * 0x1p-32 < exact - below;
  const auto level = static_cast<int>(std::min(below + (up ? 1u : 0u), levels));
  return static_cast<std::int8_t>(std::signbit(value) ? -level : level);
}

void expect([[maybe_unused]] const quantiser& how,
    [[maybe_unused]] std::size_t values, [[maybe_unused]] std::size_t quantised,
    [[maybe_unused]] std::size_t norms) {
  assert(how.levels >= 1 && how.levels <= 127 && "a level fits a byte");
  assert(how.bucket >= 1 && "a bucket holds something");
  assert(values == quantised && "each value has its level");
  assert(norms == how.buckets(values) && "each bucket has its norm");
}

} // namespace

void stochastic_quantise(device_stream& on, const quantiser& how,
    const random_blocks& random, std::span<const float> values,
    std::span<std::int8_t> quantised, std::span<float> norms) {
  expect(how, values.size(), quantised.size(), norms.size());
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::stochastic_quantise(
          on, how, random, values, quantised, norms);
  const auto blocks = (how.bucket + 3) / 4;
  for (std::size_t b = 0; b < norms.size(); ++b) {
    const auto first = b * how.bucket;
    const auto part =
        values.subspan(first, std::min(how.bucket, values.size() - first));
    norms[b] = norm_of(how, part);
    const auto scale = norms[b] > 0.0f ? how.levels / double(norms[b]) : 0.0;
    std::array<std::uint32_t, 4> drawn{};
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (i % 4 == 0)
        drawn = random[b * blocks + i / 4];
      quantised[first + i] =
          scale > 0.0 ? level_of(part[i], scale, how.levels, drawn[i % 4]) : 0;
    }
  }
}

void dequantise(device_stream& on, const quantiser& how,
    std::span<const std::int8_t> quantised, std::span<const float> norms,
    std::span<float> out) {
  expect(how, out.size(), quantised.size(), norms.size());
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::dequantise(on, how, quantised, norms, out);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(
        double(norms[i / how.bucket]) * quantised[i] / how.levels);
}

} // namespace troupe::gpu
