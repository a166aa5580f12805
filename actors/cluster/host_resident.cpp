#include <utility>

#include "actors/cluster/host.hpp"
#include "actors/computing/guard.hpp"
#include "protocols/errc.hpp"
#include "protocols/training.hpp"

// A resident's node: what its client keeps comes from the disk beside it, and
// goes nowhere else.

namespace troupe::cluster {

// That its state is revoked, or the session over, may come first.
void host_state::recall(seated what) {
  const auto lease = what.what.lease;
  const auto state = what.what.state.value().id;
  recalling_.emplace(lease, std::move(what));
  ask(self_, options_.keeper, caf::infinite, recall_state{state})
      .then(
          [this, lease](const recalled_state& found) {
            auto waits = recalling_.extract(lease);
            if (!waits)
              return;
            waits.mapped().what.state = found.values;
            order_training(std::move(waits.mapped()));
          },
          [this](const caf::error& why) { give_up(text(why)); });
}

// One without values is none. Before the state outlasts a crash nobody hears of
// the update that left it.
void host_state::keep(update&& what) {
  const auto left = state_left_by(what.result.lease);
  const auto values = what.result.state.value();
  what.result.state = state_elsewhere(left, values.count);
  if (values.count == 0)
    return send_update(std::move(what));
  ask(self_, options_.keeper, caf::infinite, keep_state{left, values})
      .then(
          [this, what] {
            if (!over_)
              send_update(what);
          },
          [this, what](const caf::error& why) {
            if (!over_)
              options_.peer->send(failure{what.client, what.result.lease,
                  caf::make_error(errc::storage_failed, text(why))});
          });
}

void host_state::receive(const state_stored& what) {
  if (options_.keeper)
    ask(self_, options_.keeper, caf::infinite, what)
        .then([] {}, [this](const caf::error& why) { give_up(text(why)); });
}

// The run counts on what is not here.
void host_state::give_up(const std::string& why) {
  if (over_)
    return;
  options_.peer->send(farewell{why, false, 0});
  end({why, true, 1});
}

} // namespace troupe::cluster
