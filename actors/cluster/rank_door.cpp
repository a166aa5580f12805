#include "actors/cluster/rank_door.hpp"

#include <utility>

#include <fmt/format.h>

namespace troupe::cluster {
namespace {

// Ranks that one node may bring.
constexpr std::size_t most_ranks = 4096;

} // namespace

rank_door_state::rank_door_state(
    rank_door::pointer self, rank_door_options options)
    : self_(self),
      options_(std::move(options)),
      step_(self, options_.who, options_.peer, options_.registrar,
          std::move(options_.greeting)),
      ledger_(options_.most) {}

rank_door::behavior_type rank_door_state::make_behavior() {
  step_.knock([this](const admission& how) { name_ = how.name; });
  return {
      [this](const parallel::convene& what) { take(what); },
      [this](parallel::muster& what) { take(what); },
      [this](const parallel::advance& what) { forward(what); },
      [this](const parallel::assess& what) { forward(what); },
      [this](const parallel::hand_over& what) { forward(what); },
      [this](const ready& what) { hear(what); },
      [this](parallel::convened& what) { pass(what); },
      [this](parallel::mustered& what) { pass(what); },
      [this](parallel::advanced& what) { pass(what); },
      [this](parallel::assessed& what) { pass(what); },
      [this](parallel::handed& what) { pass(what); },
      [this](parallel::broken& what) { pass(what); },
      [this](const drain& what) { hear(what); },
      [this](const farewell& what) { hear(what); },
      [this](const fetched& what) { receive(what); },
      [this](const parted& what) { step_.leave(what); },
      [](const durable&) {}, // ranks keep nothing for a run that comes back
      [this](const dismissal& what) { step_.dismiss(what); },
  };
}

template <class What>
void rank_door_state::hear(What& what) {
  options_.peer->took();
  if (step_.is_parting())
    return;
  if constexpr (std::is_same_v<What, const farewell>)
    step_.leave(what);
  else
    receive(what);
}

// Nothing goes on before it is looked at.
template <class Answer>
void rank_door_state::pass(Answer& what) {
  options_.peer->took();
  if (step_.is_parting())
    return;
  const auto found = ledger_.hear(what);
  if (!found.fault.empty())
    return step_.accuse(found.fault);
  if (found.late)
    return;
  if constexpr (requires { this->receive(what); })
    receive(what);
  else
    send(self_, options_.conductor, std::move(what));
}

void rank_door_state::receive(const ready& what) {
  if (!step_.is_preparing())
    return step_.accuse("being ready twice");
  if (what.slots.size() > most_ranks)
    return step_.accuse(fmt::format("{} slots", what.slots.size()));
  step_.prepare(what, [this, lanes = what.slots.size()] { take_seats(lanes); });
}

void rank_door_state::take_seats(std::size_t lanes) {
  for (std::uint32_t lane = 0; lane < lanes; ++lane)
    send(self_, options_.conductor,
        parallel::seated{caf::actor_cast<rank_door>(self_), name_, lane});
}

// What was under way for this seat is void, and what it has handed over too.
void rank_door_state::take(const parallel::convene& what) {
  take_back(what.seat);
  if (arriving_ && arriving_->what.seat == what.seat)
    arriving_.reset();
  forward(what);
}

void rank_door_state::take(parallel::muster& what) {
  if (step_.is_parting())
    return;
  if (what.parameters)
    lend(what.parameters, what.seat);
  for (auto& one : what.blocks)
    lend(one.values, what.seat);
  forward(what);
}

template <class Order>
void rank_door_state::forward(const Order& what) {
  if (step_.is_parting())
    return; // its seats are about to be missed
  ledger_.note(what);
  options_.peer->send(what);
}

// Few values go along with the order.
void rank_door_state::lend(tensor& what, parallel::seat_id to) {
  what = options_.peer->pass(std::move(what.here));
  if (what.id != 0)
    lent_[to].push_back(what.id);
}

void rank_door_state::take_back(parallel::seat_id from) {
  for (const auto id : std::exchange(lent_[from], {}))
    options_.peer->take_back(id);
}

// It has what it was lent.
void rank_door_state::receive(parallel::mustered& what) {
  take_back(what.seat);
  send(self_, options_.conductor, std::move(what));
}

void rank_door_state::receive(parallel::handed& what) {
  std::vector<tensor> elsewhere;
  const auto miss = [&](const tensor& one) {
    if (!one.here)
      elsewhere.push_back(one);
  };
  miss(what.parameters);
  for (const auto& one : what.blocks)
    miss(one.values);
  if (elsewhere.empty())
    return send(self_, options_.conductor, std::move(what));
  arriving_ = arriving{std::move(what), elsewhere.size()};
  options_.peer->fetch_together(elsewhere);
}

tensor* rank_door_state::find_missing(tensor_id id) {
  if (!arriving_)
    return nullptr;
  auto& [what, missing] = *arriving_;
  if (!what.parameters.here && what.parameters.id == id)
    return &what.parameters;
  for (auto& one : what.blocks)
    if (!one.values.here && one.values.id == id)
      return &one.values;
  return nullptr;
}

void rank_door_state::receive(const fetched& what) {
  if (step_.is_parting())
    return;
  options_.peer->send(arrived{what.what});
  auto* at = find_missing(what.what);
  if (!at)
    return; // of an epoch that is over
  if (!what.failed.empty())
    return step_.expel(
        "a tensor that it handed over did not come: " + what.failed);
  *at = what.here;
  if (--arriving_->missing > 0)
    return;
  send(self_, options_.conductor, std::move(arriving_->what));
  arriving_.reset();
}

void rank_door_state::receive(const drain&) {
  if (draining_)
    return;
  if (!step_.is_inside())
    return step_.see_off("it left");
  draining_ = true;
  step_.tell_of_drain();
  ask(self_, options_.conductor, caf::infinite,
      parallel::rank_gone{caf::actor_cast<rank_door>(self_), "its node leaves"})
      .then([this] { step_.see_off("drained"); },
          [](const caf::error&) {}); // the run has ended
}

} // namespace troupe::cluster
