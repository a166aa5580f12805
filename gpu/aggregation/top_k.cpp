#include "gpu/aggregation/top_k.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

constexpr std::size_t most_values = std::size_t{1} << 31;

using fixed_point::magnitude;

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument{"top k: " + why};
}

// The k-th largest magnitude, and how many of its equals belong to the k.
struct border {
  std::int32_t magnitude = 0;
  std::size_t equals = 0;
};

border border_of(std::span<const float> values, std::size_t k) {
  std::vector<std::int32_t> order(values.size());
  std::transform(values.begin(), values.end(), order.begin(), magnitude);
  if (*std::max_element(order.begin(), order.end()) >
      fixed_point::infinity_bits)
    refuse("NaN has no magnitude");
  const auto kth = order.begin() + static_cast<std::ptrdiff_t>(k) - 1;
  std::nth_element(order.begin(), kth, order.end(), std::greater<>{});
  const auto equals = std::count(order.begin(), kth + 1, *kth);
  return {*kth, static_cast<std::size_t>(equals)};
}

void keep(std::span<const float> values, border at,
    std::span<std::uint32_t> indices, std::span<float> kept) {
  std::size_t next = 0;
  for (std::size_t i = 0; next < indices.size(); ++i) {
    const auto here = magnitude(values[i]);
    if (here < at.magnitude || (here == at.magnitude && at.equals == 0))
      continue;
    at.equals -= here == at.magnitude ? 1 : 0;
    indices[next] = static_cast<std::uint32_t>(i);
    kept[next++] = values[i];
  }
}

} // namespace

void top_k(device_stream& on, std::span<const float> values,
    std::span<std::uint32_t> indices, std::span<float> kept) {
  if (values.size() > most_values)
    refuse(std::to_string(values.size()) + " values, 2^31 is the limit");
  if (indices.size() > values.size())
    refuse(std::to_string(indices.size()) + " of " +
           std::to_string(values.size()) + " values");
  if (indices.size() != kept.size())
    refuse("room for " + std::to_string(indices.size()) + " indices and " +
           std::to_string(kept.size()) + " values");
  if (indices.empty())
    return;
  if constexpr (cuda::present)
    if (on.on_gpu()) {
      if (!cuda::top_k(on, values, indices, kept))
        refuse("NaN has no magnitude");
      return;
    }
  keep(values, border_of(values, indices.size()), indices, kept);
}

} // namespace troupe::gpu
