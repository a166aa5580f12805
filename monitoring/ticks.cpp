#include "monitoring/ticks.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace troupe::monitoring {

namespace {

double round_step(double rough) {
  const auto power = std::pow(10.0, std::floor(std::log10(rough)));
  for (double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power * (1 + 1e-9))
      return factor * power;
  return 10.0 * power;
}

} // namespace

ticks ticks::over(double low, double high, int wanted, double finest) {
  return every(std::max(round_step((high - low) / wanted), finest), low, high);
}

ticks ticks::every(double step, double low, double high) {
  ticks result{step, {}};
  const auto slack = 1e-6;
  const auto first = std::ceil(low / step - slack);
  const auto last = std::floor(high / step + slack);
  for (double k = first; k <= last; ++k)
    result.at.push_back(k == 0 ? 0.0 : k * step);
  return result;
}

std::string ticks::label(double value) const {
  const auto magnitude = std::max(std::abs(value), step);
  if (magnitude >= 1e7 || step < 1e-5)
    return fmt::format("{:.3g}", value);
  const auto digits = static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  return fmt::format("{:.{}f}", value, std::max(0, digits));
}

} // namespace troupe::monitoring
