#pragma once

#include <cstdint>
#include <vector>

#include "protocols/ids.hpp"

namespace troupe::federated {

/// tau_eff of one version: the mean of what its updates' steps amount to, by
/// their shares. The order in which they came does not change a bit.
class mean_amount {
public:
  void add(client_id client, double share, double amount) {
    all_.push_back({client, share, amount});
  }
  /// The client's update does not count after all.
  void retract(client_id client) {
    std::erase_if(all_, [client](const auto& x) { return x.client == client; });
  }
  void clear() noexcept { all_.clear(); }
  /// 0 of none.
  double value();

private:
  struct part {
    client_id client = 0;
    double share = 0.0;
    double amount = 0.0;
  };
  std::vector<part> all_;
};

} // namespace troupe::federated
