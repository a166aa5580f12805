#include "gpu/aggregation/coordinate_median.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "gpu/aggregation/value_order.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

float mean_of(std::span<const std::uint32_t> keys) {
  double sum = -0.0; // so that -0 stays what it is
  for (auto key : keys)
    sum += static_cast<double>(std::bit_cast<float>(value_order::bits(key)));
  const auto mean = static_cast<float>(sum / static_cast<double>(keys.size()));
  return std::isnan(mean) ? std::bit_cast<float>(value_order::nan_bits) : mean;
}

void trim(updates of, std::size_t cut, std::span<float> out) {
  std::vector<std::uint32_t> keys(of.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (std::size_t j = 0; j < of.size(); ++j)
      keys[j] = value_order::key(std::bit_cast<std::uint32_t>(of[j][i]));
    std::sort(keys.begin(), keys.end());
    out[i] = mean_of(std::span{keys}.subspan(cut, of.size() - 2 * cut));
  }
}

void expect(updates of, std::span<float> out, const char* operation) {
  expect_few(of, operation);
  if (common_size(of) != out.size())
    throw std::invalid_argument{std::string{operation} + ": updates of " +
                                std::to_string(of[0].size()) + " values into " +
                                std::to_string(out.size())};
}

} // namespace

void coordinate_median(device_stream& on, updates of, std::span<float> out) {
  expect(of, out, "the coordinate median");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::coordinate_median(on, of, out);
  trim(of, (of.size() - 1) / 2, out);
}

void trimmed_mean(
    device_stream& on, updates of, std::size_t cut, std::span<float> out) {
  expect(of, out, "the trimmed mean");
  if (cut > (of.size() - 1) / 2)
    throw std::invalid_argument{"the trimmed mean cuts " + std::to_string(cut) +
                                " values twice off " +
                                std::to_string(of.size())};
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::trimmed_mean(on, of, cut, out);
  trim(of, cut, out);
}

} // namespace troupe::gpu
