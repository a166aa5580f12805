#include "actors/cluster/door.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/clocks.hpp"
#include "protocols/errc.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/participation.hpp"
#include "protocols/training.hpp"

namespace troupe::cluster {
namespace {

// Slots that one node may lend.
constexpr std::size_t most_slots = 4096;
// Samples of one client, so that no sum over clients ever overflows.
constexpr std::uint64_t most_samples = std::uint64_t{1} << 32;

std::uint32_t work_of(const training::recipe& how) {
  return how.steps > 0 ? how.steps : how.epochs;
}

} // namespace

template <class Message>
void door_state::stopper<Message>::operator()() const {
  if (auto to = caf::actor_cast<caf::strong_actor_ptr>(whom))
    send_anonymously(caf::actor_cast<door>(to), say);
}

door_state::door_state(door::pointer self, door_options options)
    : self_(self),
      options_(std::move(options)),
      step_(self, options_.who, options_.peer, options_.registrar,
          std::move(options_.greeting)) {}

door::behavior_type door_state::make_behavior() {
  knock();
  return {
      [this](train_task& what) { take(what); },
      [this](const evaluate_task& what) { take(what); },
      [this](const ready& what) { hear(what); },
      [this](update& what) { hear(what); },
      [this](const failure& what) { hear(what); },
      [this](const evaluated_part& what) { hear(what); },
      [this](const part_begun& what) { hear(what); },
      [this](const drain& what) { hear(what); },
      [this](const farewell& what) { hear(what); },
      [this](const fetched& what) { receive(what); },
      [this](const parted& what) { step_.leave(what); },
      [this](const revoke& what) { options_.peer->send(what); },
      [this](const call_off& what) { options_.peer->send(what); },
      [this](seated_offer& what) { take(what); },
      [this](const state_stored& what) { options_.peer->send(what); },
      [this](const durable& what) { announce(what); },
      [this](const dismissal& what) { step_.dismiss(what); },
  };
}

template <class What>
void door_state::hear(What& what) {
  options_.peer->took();
  if (!step_.is_parting())
    receive(what);
}

void door_state::knock() {
  step_.knock([this](const admission& how) {
    name_ = how.name;
    client_ = how.client;
  });
}

// A node that is not greeted yet hears it with its greeting.
void door_state::announce(const durable& what) {
  if (!step_.is_welcome())
    return;
  options_.peer->send(what);
  forget_outdated(what.version);
}

void door_state::receive(const ready& what) {
  if (!step_.is_preparing())
    return accuse("being ready twice");
  if (what.slots.size() > most_slots)
    return accuse(fmt::format("{} slots", what.slots.size()));
  if (client_ && (what.samples == 0 || what.samples > most_samples))
    return accuse(fmt::format("a client of {} samples", what.samples));
  step_.prepare(what, [this, what] { lend_slots(what); });
}

void door_state::lend_slots(const ready& what) {
  const auto& kinds = what.slots;
  lanes_ = kinds.size();
  if (kinds.empty())
    return;
  lend all;
  for (std::uint32_t lane = 0; lane < kinds.size(); ++lane)
    all.what.push_back(
        {caf::actor_cast<compute>(caf::actor_cast<door>(self_)), lane,
            kinds[lane] == 0 ? gpu::device_kind::cpu : gpu::device_kind::cuda});
  all.only_for = client_;
  ask(self_, options_.lend_to, caf::infinite, std::move(all))
      .then([this](slot_id first) { keep(first); },
          [](const caf::error&) {}); // the run has ended
  if (client_)
    move_in(what.samples);
}

void door_state::keep(slot_id first) {
  for (slot_id slot = first; slot < first + lanes_; ++slot)
    if (draining_)
      retire(slot);
    else
      slots_.push_back(slot);
}

// A task for a client that is gone has no parameters; it keeps its turn. Its
// client may have sent the true one before, or may yet: the first one counts.
void door_state::take(train_task& what) {
  const auto client = static_cast<client_id>(what.work.client);
  if (step_.is_parting() || what.turn < through_[what.lane])
    return; // its slots are about to be missed, or it was answered
  if (tasks_.contains(what.lease)) {
    if (what.stop.stop_requested())
      options_.peer->send(revoke{what.lease});
    return;
  }
  training_task task{client, what.work.version, what.lane, what.turn,
      std::move(what.reply_to)};
  seated order{
      {what.lease, client, what.work.version, 0.0, work_of(what.work.how), {}},
      what.lane, what.turn};
  if (what.parameters) {
    order.what.parameters = lent(what.parameters, newest_, what.work.version);
    task.from = order.what.parameters.id;
  }
  order.what.within.steps = what.work.within.steps;
  if (what.send_by > 0.0)
    order.what.within.seconds = std::max(what.send_by - wall_seconds(), 1e-9);
  if (what.variate) {
    order.what.variate =
        lent(what.variate.value(), newest_variate_, what.work.version);
    task.variate = order.what.variate.value().id;
  }
  if (what.state) {
    auto state = options_.peer->pass(what.state.value());
    task.state = state.id;
    order.what.state = std::move(state);
  }
  if (what.stop.stop_possible())
    task.stop = std::make_unique<std::stop_callback<stopper<revoke>>>(
        what.stop, stopper<revoke>{self_->address(), {what.lease}});
  give(std::move(order), std::move(task));
}

void door_state::give(seated order, training_task task) {
  tasks_.emplace(order.what.lease, std::move(task));
  options_.peer->send(std::move(order));
}

void door_state::take(const evaluate_task& what) {
  if (step_.is_parting())
    return;
  const auto parameters = lent(what.parameters, newest_);
  auto& task = parts_[what.part];
  task.reply_to = what.reply_to;
  task.from = parameters.id;
  options_.peer->send(
      score{what.part, what.first, what.data.size(), parameters, what.lane});
  if (what.stop.stop_possible())
    task.stop = std::make_unique<std::stop_callback<stopper<call_off>>>(
        what.stop, stopper<call_off>{self_->address(), {what.part}});
}

tensor door_state::lent(
    const tensor& what, tensor_id& newest, std::optional<version_id> of) {
  auto& entry = lent_[what.here.get()];
  if (!entry.what) {
    entry.what = options_.peer->lend(what.here);
    newest = entry.what.id;
    if (options_.peer->takes_along(*what.here))
      options_.peer->send(carried{newest, what.here});
  }
  ++entry.uses;
  if (of)
    entry.of = of;
  const auto result = entry.what;
  forget_unused();
  return result;
}

void door_state::give_back(tensor_id what) {
  for (auto& [where, each] : lent_)
    if (each.what.id == what)
      --each.uses;
  forget_unused();
}

// The newest stay: they are about to be used again.
void door_state::forget_unused() {
  std::erase_if(lent_, [this](const auto& entry) {
    const auto& each = entry.second;
    if (each.uses > 0 || each.what.id == newest_ ||
        each.what.id == newest_variate_)
      return false;
    options_.peer->take_back(each.what.id);
    options_.peer->send(release{each.what.id});
    return true;
  });
}

// Leases start from later versions by now; a node without a task would hold on
// to this one for as long as it has none.
void door_state::forget_outdated(version_id stored) {
  for (const auto& [what, each] : lent_)
    if (each.what.id == newest_ && each.of && *each.of < stored)
      newest_ = 0;
  forget_unused();
}

void door_state::receive(const drain&) {
  if (draining_)
    return;
  if (!step_.is_inside())
    return step_.see_off("it left");
  draining_ = true;
  step_.tell_of_drain();
  retire_slots();
}

void door_state::retire_slots() {
  if (lanes_ == 0)
    return move_out();
  for (auto slot : slots_)
    retire(slot);
}

void door_state::retire(slot_id slot) {
  ask(self_, options_.lend_to, caf::infinite, withdraw{slot})
      .then(
          [this] {
            if (++left_ == lanes_)
              move_out();
          },
          [](const caf::error&) {}); // the run has ended
}

} // namespace troupe::cluster
