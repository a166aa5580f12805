#include "gpu/aggregation/norms.hpp"

#include <cassert>
#include <cmath>
#include <limits>

#include "gpu/aggregation/ordered_sum.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

std::vector<double> sums_of_squares(device_stream& on, updates of) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::sums_of_squares(on, of);
  std::vector<double> result;
  for (auto values : of)
    result.push_back(ordered::sum_of_squares(values));
  return result;
}

void scale(device_stream& on, double factor, std::span<float> values) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::scale(on, factor, values);
  for (auto& value : values)
    value = static_cast<float>(factor * static_cast<double>(value));
}

double factor_for(double norm, double bound) {
  if (!std::isfinite(norm))
    return std::numeric_limits<double>::quiet_NaN();
  return norm <= bound ? 1.0 : bound / norm;
}

} // namespace

std::vector<double> norms(device_stream& on, updates of) {
  auto result = sums_of_squares(on, of);
  for (auto& each : result)
    each = std::sqrt(each);
  return result;
}

std::vector<double> clip_to_norm(
    device_stream& on, std::span<const std::span<float>> of, double bound) {
  assert(bound > 0.0 && "nothing has a norm below 0");
  auto factors =
      norms(on, std::vector<std::span<const float>>(of.begin(), of.end()));
  for (std::size_t i = 0; i < of.size(); ++i) {
    factors[i] = factor_for(factors[i], bound);
    if (factors[i] < 1.0)
      scale(on, factors[i], of[i]);
  }
  on.synchronise();
  return factors;
}

} // namespace troupe::gpu
