#pragma once

#include <cstdint>
#include <vector>

#include "protocols/ids.hpp"

namespace troupe::federated {

/// What `steps` of a client's descent amount to: how often its update has each
/// gradient in it, all added up, the |a|_1 of Wang et al. 2020, "Tackling the
/// Objective Inconsistency Problem in Heterogeneous Federated Optimization"
/// (FedNova), section 4. Without momentum that is `steps`; with momentum p in
/// (0, 1), which begins at nothing with every lease,
///
///     (steps - p (1 - p^steps) / (1 - p)) / (1 - p)
///
/// At least 1 of one step or more; 0 of none.
double amount_of(std::uint64_t steps, double momentum) noexcept;

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
