#include <utility>

#include "actors/cluster/door.hpp"
#include "protocols/participation.hpp"
#include "protocols/training.hpp"

// A door as the worker of the one client whose samples its node has.

namespace troupe::cluster {

// Behind its slots, so that no lease of it goes anywhere else.
void door_state::move_in(std::uint64_t samples) {
  const auto home = caf::actor_cast<resident>(caf::actor_cast<door>(self_));
  send(self_, options_.lend_to,
      enrol{*client_, samples, home, name_, options_.who.key, home});
}

void door_state::move_out() {
  if (client_)
    send(self_, options_.lend_to, troupe::leave{*client_});
  step_.see_off("drained");
}

void door_state::take(seated_offer& what) {
  if (step_.is_parting())
    return; // its slot is about to be missed
  training_task task{
      what.client, what.base, what.lane, what.turn, std::move(what.reply_to)};
  seated order{
      {what.lease, what.client, what.base, 0.0, what.work,
          lent(what.parameters, newest_, what.base), std::move(what.state)},
      what.lane, what.turn};
  task.from = order.what.parameters.id;
  order.what.within = what.within;
  if (what.variate) {
    order.what.variate = lent(what.variate.value(), newest_variate_, what.base);
    task.variate = order.what.variate.value().id;
  }
  give(std::move(order), std::move(task));
}

// It is the one that this update left, and stays where it is.
bool door_state::keeps_state(const trained& what) const {
  const auto state = what.state.value();
  return !state.here && state.id == state_left_by(what.lease);
}

} // namespace troupe::cluster
