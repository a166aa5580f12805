#include "protocols/federated/client_states.hpp"

#include <utility>
#include <vector>

namespace troupe::federated {

tensor client_states::offered(lease_id lease, client_id client) {
  void_.erase(client);
  const auto found = awaited_.find(client);
  if (found == awaited_.end())
    return counted_.of(client);
  found->second.offered_to = lease;
  return found->second.state;
}

bool client_states::holds(lease_id lease, client_id client) const noexcept {
  const auto found = void_.find(client);
  return found == void_.end() || found->second != lease;
}

void client_states::accepted(client_id client, tensor state) {
  if (state)
    awaited_[client] = {std::move(state)};
}

void client_states::discard() {
  for (const auto& [client, x] : std::exchange(awaited_, {}))
    if (x.offered_to)
      void_[client] = *x.offered_to;
}

void client_states::published() {
  std::vector<client_state> changed;
  for (auto& [client, x] : std::exchange(awaited_, {}))
    changed.push_back({client, std::move(x.state)});
  counted_.take(changed);
}

} // namespace troupe::federated
