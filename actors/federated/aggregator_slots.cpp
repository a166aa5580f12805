#include "actors/federated/aggregator.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "actors/computing/guard.hpp"
#include "protocols/errc.hpp"

// What becomes of slots that are lost, of the dead, and of their leases.

namespace troupe {
namespace {

// Clients of one kind of device never train on another.
const char* of_kind(gpu::device_kind kind) noexcept {
  return kind == gpu::device_kind::cuda ? "on a GPU " : "on the CPU ";
}

} // namespace

// Most workers are in no cache: while one is told, the next ones come.
void aggregator_state::seat_all() {
  std::array<placement::seat, 16> some;
  std::size_t count = some.size();
  while (count == some.size()) {
    for (count = 0; count < some.size(); ++count) {
      auto next = desk_.next(early_.size() + ledger_.missing(), now_);
      if (!next)
        break;
      expect(workers_[next->grant.client]);
      some[count] = std::move(*next);
    }
    for (auto& each : std::span{some}.first(count))
      offer_to(each);
  }
}

void aggregator_state::offer_to(placement::seat& at) {
  waits_.reset();
  if (first_lease_ == instant{})
    first_lease_ = now_;
  const auto& grant = at.grant;
  tell(facts::leased{grant.lease, grant.client, grant.base});
  const auto& slot = slots_[at.slot];
  send(self_, workers_[grant.client],
      seated_offer{{grant.lease, grant.client, grant.base, grant.share,
                       grant.work, std::move(at.base),
                       client_states_.offered(grant.lease, grant.client),
                       variate_, budget_of(grant)},
          slot.who, slot.lane, at.turn, self_});
}

// By now, that is: it may have waited for its slot. A clock of another kind has
// said how many steps it is.
training::budget aggregator_state::budget_of(
    const federated::grant& what) const {
  if (virtual_ || what.send_by == instant{})
    return {what.most_steps, 0.0};
  constexpr double least = 1e-9;
  return {what.most_steps, std::max(seconds(what.send_by - now_), least)};
}

void aggregator_state::tell_to_stop() {
  for (const auto& each : desk_.take_stopping())
    if (workers_[each.client])
      send(self_, workers_[each.client], revoke{each.lease});
}

// What a slot was at when it was lost may be over after all.
void aggregator_state::welcome_back(std::optional<slot_id> slot) {
  if (!slot)
    return;
  tell(facts::slot_returned{*slot});
  if (const auto whose = desk_.only_for(*slot))
    take_back(*whose);
  else if (crew_->evaluator)
    send(self_, crew_->evaluator, slot_back{*slot});
}

void aggregator_state::say_goodbye(std::optional<slot_id> slot) {
  if (!slot)
    return;
  tell(facts::slot_left{*slot});
  if (auto asked = withdrawn_.extract(*slot))
    asked.mapped().deliver();
}

void aggregator_state::receive(const slot_scoring& what) {
  if (what.busy)
    desk_.begin_part(what.slot, what.alone, now_);
  else
    desk_.end_part(what.slot, now_);
  look_after_desk();
}

// That scoring is slow is no client's fault.
void aggregator_state::look_after_desk() {
  using kind = placement::overdue::kind;
  for (const auto& each : desk_.late(now_)) {
    if (each.what == kind::lease) {
      desk_.revoke(each.of.lease, now_);
      hear(failure{each.of.client, each.of.lease,
          caf::make_error(errc::lease_overrun,
              fmt::format("no update within {} s", seconds(each.allowed)))});
    } else if (each.what == kind::stopped_lease) {
      tell(facts::slot_lost{each.of.slot, each.of.client, each.of.lease, {}});
      lose(each, fmt::format("the learner of client {} ignored its stop token",
                     each.of.client));
    } else if (each.what == kind::part) {
      fail_part(each);
    } else {
      auto why = fmt::format("the evaluation of version {} ignored its stop "
                             "token",
          press_.scoring().value_or(press_.version()));
      tell(facts::slot_lost{each.of.slot, 0, 0, why});
      lose(each, std::move(why));
    }
  }
  for (const auto& each : desk_.deserted(now_)) {
    forget_slot(each.slot);
    end_without(each.kind, each.why);
  }
}

void aggregator_state::fail_part(const placement::overdue& what) {
  end(run_outcome::failed,
      caf::make_error(errc::evaluation_failed,
          fmt::format("version {} could not be evaluated: no answer within {} "
                      "s, {} times federation.lease_seconds",
              press_.scoring().value_or(press_.version()),
              seconds(what.allowed), what.allowed / options_.lease_time)));
}

// The last slot of a kind may return yet, and so long the evaluator counts on
// it; not if it is being called off. A resident has no other.
void aggregator_state::lose(const placement::overdue& what, std::string why) {
  const auto slot = what.of.slot;
  lease_again(desk_.lose(slot, why, now_));
  if (const auto whose = desk_.only_for(slot))
    bury_client(*whose, why);
  if (desk_.has_left(slot))
    say_goodbye(slot);
  if (desk_.alive(slots_[slot].kind) > 0 || press_.called_off())
    forget_slot(slot);
  carry_out();
}

void aggregator_state::forget_slot(slot_id slot) {
  if (crew_->evaluator)
    send(self_, crew_->evaluator, slot_gone{slot});
}

// Nobody is to blame for it. What has ended before is nobody's any more.
void aggregator_state::lease_again(
    const std::vector<placement::left_over>& all) {
  for (const auto& [at, open, poisonous] : all) {
    const auto& [lease, client] = std::pair{at.grant.lease, at.grant.client};
    if (!open || is_ending())
      continue;
    if (poisonous) {
      hear(failure{client, lease,
          caf::make_error(errc::node_lost,
              std::string{"three nodes were lost while they trained it"})});
      continue;
    }
    requeue(client, lease, at.base);
  }
}

void aggregator_state::end_without(
    gpu::device_kind kind, const std::string& why) {
  if (!is_ending() && quorum_.holds())
    await({"compute slots", desk_.alive(), desk_.alive() + 1},
        caf::make_error(
            errc::no_slots, fmt::format("no compute slot {}is left: {}",
                                desk_.alive() == 0 ? "" : of_kind(kind), why)));
}

// A device of several lanes, or a node, takes all of them with it. Its leases
// wait for another one of its kind.
bool aggregator_state::bury_slots(
    const caf::actor_addr& who, const caf::error& how) {
  const bool lost = how == errc::node_lost;
  const bool remote = lost || how == errc::node_left;
  const auto why = text(how);
  bool any = evict(who, why);
  std::optional<gpu::device_kind> kind;
  for (slot_id i = 0; i < slots_.size(); ++i) {
    if (slots_[i].who.address() != who)
      continue;
    if (desk_.has_left(i))
      continue;
    any = true;
    if (!desk_.only_for(i))
      kind = slots_[i].kind;
    forget_slot(i);
    if (remote) {
      say_goodbye(i);
      lease_again(desk_.depart(i, lost));
    } else {
      tell(facts::slot_lost{i, 0, 0, why});
      lease_again(desk_.die(i));
    }
  }
  if (!any)
    return false;
  if (kind && !desk_.has(*kind))
    end_without(*kind, why);
  carry_out();
  return true;
}

} // namespace troupe
