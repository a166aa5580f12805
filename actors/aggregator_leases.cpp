#include "actors/aggregator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "protocols/errc.hpp"

// What becomes of leases, and parts of the test set, that take too long; and
// the one timer.

namespace troupe {
namespace {

// Leases' times that a part of the test set may take.
constexpr int part_leases = 10;

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
  watch_parts();
  watch_kinds();
  store_when_due();
  flush();
  settle();
}

// Only the first lease of a slot is running; those behind it wait unblamed.
void aggregator_state::watch_leases() {
  for (const auto& entry : slots_.running()) {
    const auto& stopped = held_[entry.lease].stopped;
    const auto bounded = options_.lease_time.count() > 0;
    if (!stopped && !bounded)
      continue;
    auto end = stopped ? std::max(*stopped, entry.since) + options_.stop_grace
                       : entry.since + options_.lease_time;
    if (now_ < end)
      wake_by(end);
    else if (stopped)
      lose(entry);
    else
      overrun(entry);
  }
}

void aggregator_state::overrun(const placement::slot_book::holding& entry) {
  revoke(entry.lease);
  fail(entry.client, entry.lease,
      caf::make_error(errc::lease_overrun,
          fmt::format("no update within {} s", seconds(options_.lease_time))));
  carry_out();
}

void aggregator_state::receive(const slot_scoring& what) {
  if (told_)
    return;
  if (what.busy)
    slots_.begin_part(what.slot, what.alone, now_);
  else
    slots_.end_part(what.slot, now_);
  watch_leases();
  watch_parts();
}

// That scoring is slow is no client's fault, so a part has the time of several
// leases. One that is given up costs its slot, as a client would that stays.
void aggregator_state::watch_parts() {
  if (scores_until_ && now_ >= *scores_until_)
    call_off_scores();
  else if (scores_until_)
    wake_by(*scores_until_);
  for (const auto& [slot, since] : slots_.at_parts()) {
    if (!called_off_ && options_.lease_time.count() == 0)
      continue;
    auto end = called_off_ ? std::max(*called_off_, since) + options_.stop_grace
                           : since + part_leases * options_.lease_time;
    if (now_ < end)
      wake_by(end);
    else if (called_off_)
      lose_at_part(slot);
    else
      return this->end(run_outcome::failed,
          caf::make_error(errc::evaluation_failed,
              fmt::format("version {} could not be evaluated: no answer within "
                          "{} s, {} times federation.lease_seconds",
                  judging_.front(), seconds(part_leases * options_.lease_time),
                  part_leases)));
  }
}

void aggregator_state::wake_by(instant when) {
  timer_.set_by(self_, start_ + when.time_since_epoch());
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
