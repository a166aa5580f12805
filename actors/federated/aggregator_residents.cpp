#include "actors/federated/aggregator.hpp"

#include <algorithm>

// Clients that their nodes bring: they come and go with their slots, and what
// they keep between their leases stays where they are.

namespace troupe {

// What is left of an older session of its node takes nothing more.
void aggregator_state::house(const enrol& what) {
  if (std::ranges::find(met_, what.client, &resident_client::client) ==
      met_.end())
    met_.push_back({what.client, what.identity, what.key});
  for (slot_id i = 0; i < slots_.size(); ++i)
    if (desk_.only_for(i) == what.client &&
        slots_[i].who.address() != what.home.address())
      receive(withdraw{i});
  auto& one = residents_[what.client];
  one.who = what;
  settle(what.client, one);
}

// Its slot was lost for a while.
void aggregator_state::take_back(client_id client) {
  const auto found = residents_.find(client);
  if (found == residents_.end() || workers_[client] || is_ending())
    return;
  auto again = found->second.who;
  receive(again);
}

// Its node is gone, which is nobody's fault. True: somebody lived there.
bool aggregator_state::evict(
    const caf::actor_addr& home, const std::string& why) {
  const auto found = std::ranges::find_if(residents_, [&](const auto& entry) {
    return entry.second.who.home.address() == home;
  });
  if (found == residents_.end())
    return false;
  const auto& [client, one] = *found;
  bury_client(client, one.who.identity + ": " + why);
  residents_.erase(found);
  return true;
}

// It is told anew whenever it comes, since it may be another process.
void aggregator_state::settle(client_id client, lodger& one) {
  one.told = durable_states_.of(client).id;
  send(self_, one.who.home, state_stored{one.told});
}

// The best version may be stored behind a later one.
void aggregator_state::settle_all(version_id stored) {
  if (stored <= durable_)
    return;
  durable_ = stored;
  durable_states_ = std::move(storing_states_);
  for (auto& [client, one] : residents_)
    if (durable_states_.of(client).id != one.told)
      settle(client, one);
}

} // namespace troupe
