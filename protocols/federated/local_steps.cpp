#include "protocols/federated/local_steps.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace troupe::federated {

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
