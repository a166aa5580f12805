#include "actors/aggregator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "protocols/errc.hpp"

// What becomes of leases that take too long, and the one timer.

namespace troupe {
namespace {

// Clients of one kind of device never train on another.
const char* of_kind(gpu::device_kind kind) noexcept {
  return kind == gpu::device_kind::cuda ? "on a GPU " : "on the CPU ";
}

} // namespace

void aggregator_state::revoke(lease_id lease) {
  auto found = held_.find(lease);
  if (found == held_.end()) {
    for (auto& [kind, queue] : queues_)
      std::erase_if(
          queue, [lease](const queued& q) { return q.grant.lease == lease; });
    return;
  }
  if (found->second.stopped)
    return;
  found->second.stopped = now_;
  found->second.stop.request_stop();
  wake_by(now_ + options_.stop_grace);
}

void aggregator_state::on_tick() {
  watch_leases();
  store_when_due();
  flush();
  settle();
}

// Only the first lease of a slot is running; those behind it wait unblamed.
void aggregator_state::watch_leases() {
  for (const auto& entry : slots_.running()) {
    auto& lease = held_[entry.lease];
    if (lease.stopped) {
      auto end = std::max(*lease.stopped, entry.since) + options_.stop_grace;
      if (now_ >= end)
        lose(entry);
      else
        wake_by(end);
    } else if (options_.lease_time.count() > 0) {
      auto end = entry.since + options_.lease_time;
      if (now_ < end) {
        wake_by(end);
        continue;
      }
      last_failure_ = fmt::format("client {}: no update within {} s",
          entry.client, seconds(options_.lease_time));
      tell(facts::client_failed{entry.lease, entry.client,
          fmt::format("no update within {} s", seconds(options_.lease_time))});
      revoke(entry.lease);
      decide([&](auto& r, auto& out) { r.fail(entry.lease, now_, out); });
      carry_out();
    }
  }
}

void aggregator_state::lose(const placement::slot_book::holding& entry) {
  tell(facts::slot_lost{entry.slot, entry.client, entry.lease});
  if (cast_->judge)
    send(self_, cast_->judge, slot_gone{entry.slot});
  held_.erase(entry.lease);
  for (const auto& waiting : slots_.lose(entry.slot)) {
    held_.erase(waiting.lease);
    if (ending_)
      continue;
    tell(facts::requeued{waiting.lease, waiting.client});
    decide([&](auto& r, auto& out) { r.requeue(waiting.lease, now_, out); });
  }
  auto kind = cast_->slots[entry.slot].kind;
  if (slots_.alive(kind) == 0)
    end(run_outcome::failed,
        caf::make_error(errc::no_slots,
            fmt::format("no compute slot {}is left: the learner of client {} "
                        "ignored its stop token",
                slots_.alive() == 0 ? "" : of_kind(kind), entry.client)));
  carry_out();
}

void aggregator_state::wake_by(instant when) {
  timer_.set_by(self_, start_ + when);
}

void aggregator_state::flush() {
  if (facts_.size() == 0)
    return;
  auto batch = facts_.take();
  send(self_, cast_->book, batch);
  for (const auto& reader : cast_->observers)
    send(self_, reader, batch);
}

} // namespace troupe
