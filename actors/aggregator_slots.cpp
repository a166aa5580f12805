#include "actors/aggregator.hpp"

#include <utility>

#include <fmt/format.h>

#include "actors/guard.hpp"
#include "protocols/errc.hpp"

// What becomes of slots that are lost, of the dead, and of their leases.

namespace troupe {
namespace {

// Clients of one kind of device never train on another.
const char* of_kind(gpu::device_kind kind) noexcept {
  return kind == gpu::device_kind::cuda ? "on a GPU " : "on the CPU ";
}

} // namespace

void aggregator_state::lose(const placement::slot_book::holding& entry) {
  tell(facts::slot_lost{entry.slot, entry.client, entry.lease, {}});
  give_up(entry.slot, slots_.lose(entry.slot),
      fmt::format(
          "the learner of client {} ignored its stop token", entry.client));
}

void aggregator_state::lose_at_part(slot_id slot) {
  const auto why =
      fmt::format("the evaluation of version {} ignored its stop token",
          judging_.empty() ? version_ : judging_.front());
  tell(facts::slot_lost{slot, 0, 0, why});
  give_up(slot, slots_.lose(slot), why);
}

// The last slot of a kind may return yet: so long the run goes on without.
void aggregator_state::give_up(
    slot_id slot, const holdings& all, const std::string& why) {
  lease_again(all);
  const auto kind = cast_->slots[slot].kind;
  if (slots_.alive(kind) == 0 && !called_off_) {
    deserted_[kind] = {now_, slot, why};
    wake_by(now_ + options_.stop_grace);
  } else {
    forget_slot(slot);
  }
  carry_out();
  settle();
}

void aggregator_state::watch_kinds() {
  for (const auto& [kind, left] : std::exchange(deserted_, {})) {
    const auto end = left.since + options_.stop_grace;
    if (now_ < end) {
      deserted_.emplace(kind, left);
      wake_by(end);
      continue;
    }
    forget_slot(left.slot);
    end_without(kind, left.why);
  }
}

void aggregator_state::end_without(
    gpu::device_kind kind, const std::string& why) {
  if (!ending_)
    end(run_outcome::failed,
        caf::make_error(errc::no_slots,
            fmt::format("no compute slot {}is left: {}",
                slots_.alive() == 0 ? "" : of_kind(kind), why)));
}

// What it was at when it was lost is over.
void aggregator_state::take_back(lease_id lease) {
  const auto slot = slots_.answered(lease);
  if (!slot || told_)
    return;
  tell(facts::slot_returned{*slot});
  deserted_.erase(cast_->slots[*slot].kind);
  if (cast_->judge)
    send(self_, cast_->judge, slot_back{*slot});
}

void aggregator_state::forget_slot(slot_id slot) {
  if (cast_->judge)
    send(self_, cast_->judge, slot_gone{slot});
}

// Nobody is to blame for it. What has ended before is nobody's any more.
void aggregator_state::lease_again(const holdings& all) {
  for (const auto& each : all) {
    auto& lease = held_[each.lease];
    lease.stop.request_stop();
    const auto open = !lease.stopped;
    held_.erase(each.lease);
    if (!open || ending_)
      continue;
    tell(facts::requeued{each.lease, each.client});
    decide([&](auto& r, auto& out) { r.requeue(each.lease, now_, out); });
  }
}

// A device of several lanes takes all of them with it. Its leases wait for
// another one of its kind.
bool aggregator_state::bury(
    const caf::actor_addr& who, const std::string& why) {
  holdings all;
  std::optional<gpu::device_kind> kind;
  for (slot_id i = 0; i < cast_->slots.size(); ++i) {
    if (cast_->slots[i].who.address() != who)
      continue;
    kind = cast_->slots[i].kind;
    for (const auto& each : slots_.die(i))
      all.push_back(each);
    tell(facts::slot_lost{i, 0, 0, why});
    forget_slot(i);
  }
  if (!kind)
    return false;
  lease_again(all);
  if (slots_.alive(*kind) == 0 && !slots_.may_return(*kind))
    end_without(*kind, why);
  carry_out();
  settle();
  return true;
}

// What a worker was offered may never come to its slot, which waits for it: by
// its turn there the slot gets a task that is to stop.
void aggregator_state::lose_clients(
    const caf::actor_addr& who, const std::string& why) {
  for (client_id c = 0; c < cast_->workers.size(); ++c) {
    if (cast_->workers[c].address() != who)
      continue;
    const auto all = slots_.of(c);
    for (const auto& each : all)
      if (!ending_ && !held_[each.lease].stopped)
        tell_failed(c, each.lease,
            caf::make_error(errc::actor_died, "its worker has died: " + why));
    if (!ending_)
      decide([&](auto& rule, auto& out) { rule.leave(c, now_, out); });
    for (const auto& each : all) {
      revoke(each.lease);
      const auto& slot = cast_->slots[each.slot];
      const auto& lease = held_[each.lease];
      train_task instead;
      instead.lease = each.lease;
      instead.work.client = c;
      instead.reply_to = self_;
      instead.lane = slot.lane;
      instead.turn = lease.turn;
      instead.stop = lease.stop.get_token();
      send(self_, slot.who, std::move(instead));
    }
  }
  if (!ending_)
    carry_out();
}

} // namespace troupe
