#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <vector>

#include "protocols/ids.hpp"

namespace troupe::federated {

/// The updates that count in one version, and the mean of their losses, each
/// weighted as its update is. Sums go by client, not by arrival, so that the
/// mean is the same for whoever came first.
class tally {
public:
  void add(lease_id lease, client_id client, double weight, double loss) {
    all_.push_back({client, lease, weight, loss});
  }
  /// The update of this lease does not count after all.
  void retract(lease_id lease) {
    std::erase_if(all_, [lease](const auto& x) { return x.lease == lease; });
  }
  void clear() noexcept { all_.clear(); }

  std::size_t updates() const noexcept { return all_.size(); }
  /// 0 without updates.
  double loss() {
    std::ranges::sort(all_, {}, [](const auto& x) {
      return std::tuple{x.client, x.lease};
    });
    double sum = 0.0, weight = 0.0;
    for (const auto& x : all_) {
      sum += x.weight * x.loss;
      weight += x.weight;
    }
    return weight > 0.0 ? sum / weight : 0.0;
  }

private:
  struct counted {
    client_id client = 0;
    lease_id lease = 0;
    double weight = 0.0;
    double loss = 0.0;
  };
  std::vector<counted> all_;
};

} // namespace troupe::federated
