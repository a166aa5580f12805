#include "protocols/federated/kept_states.hpp"

namespace troupe::federated {

bool kept_states::recalled(state_name name) {
  if (!holds(name))
    return false;
  drop(kept_.upper_bound(name), kept_.end());
  return true;
}

bool kept_states::settled(state_name name) {
  if (!holds(name))
    return false;
  drop(kept_.begin(), kept_.lower_bound(name));
  return true;
}

void kept_states::drop(place first, place last) {
  dropped_.insert(dropped_.end(), first, last);
  kept_.erase(first, last);
}

} // namespace troupe::federated
