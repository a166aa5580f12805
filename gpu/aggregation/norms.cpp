#include "gpu/aggregation/norms.hpp"

#include <cassert>
#include <cmath>
#include <limits>

#include "gpu/aggregation/ordered_sum.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

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

std::vector<double> squared_norms(device_stream& on, updates of, updates from) {
  assert((from.empty() || from.size() == of.size()) && "pairs of updates");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::squared_norms(on, of, from);
  std::vector<double> result;
  for (std::size_t i = 0; i < of.size(); ++i)
    result.push_back(from.empty() ? ordered::sum_of_squares(of[i])
                                  : ordered::sum_of_squares(of[i], from[i]));
  return result;
}

std::vector<double> norms(device_stream& on, updates of) {
  auto result = squared_norms(on, of);
  for (auto& each : result)
    each = std::sqrt(each);
  return result;
}

bool is_longer(std::span<const float> update, double bound) {
  return !(std::sqrt(ordered::sum_of_squares(update)) <= bound);
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
