#include "protocols/federated/local_steps.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace troupe::federated {

double amount_of(std::uint64_t steps, double momentum) noexcept {
  assert(momentum >= 0.0 && momentum < 1.0);
  const auto count = static_cast<double>(steps);
  const auto rest = 1.0 - momentum;
  const auto lost = momentum * (1.0 - std::pow(momentum, count)) / rest;
  return (count - lost) / rest;
}

double mean_amount::value() {
  std::ranges::sort(all_, {}, &part::client);
  double sum = 0.0, shares = 0.0;
  for (const auto& x : all_) {
    sum += x.share * x.amount;
    shares += x.share;
  }
  return shares > 0.0 ? sum / shares : 0.0;
}

} // namespace troupe::federated
