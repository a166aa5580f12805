#include "monitoring/work_figures.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

namespace troupe::monitoring {

namespace {

// Label values are a promise to dashboards, so they do not follow the words
// that people read elsewhere. Index: drop_reason; `none` stands for accepted.
constexpr std::array outcomes{"accepted", "unknown", "duplicate", "late",
    "too_stale", "too_large", "failed"};
constexpr std::size_t accepted_index = 0;
constexpr std::size_t failed_index = 6;
static_assert(static_cast<int>(federated::drop_reason::unknown) == 1);
static_assert(static_cast<int>(federated::drop_reason::duplicate) == 2);
static_assert(static_cast<int>(federated::drop_reason::late) == 3);
static_assert(static_cast<int>(federated::drop_reason::too_stale) == 4);
static_assert(static_cast<int>(federated::drop_reason::too_large) == 5);

const std::vector<double>& staleness_bounds() {
  static const std::vector<double> at{0, 1, 2, 3, 5, 8, 12, 20, 32, 50, 100};
  return at;
}

std::vector<count_tally> by_outcome(figure_register& to) {
  std::vector<count_tally> result;
  for (const auto* outcome : outcomes)
    result.push_back(to.tally("updates_total",
        "Updates by what became of them.", {{"outcome", outcome}}));
  return result;
}

late_gauge clients(figure_register& to, const char* state) {
  return to.gauge("clients", "Clients by state.", {{"state", state}});
}

late_gauge slots(figure_register& to, const char* state) {
  return to.gauge(
      "compute_slots", "Compute slots by state.", {{"state", state}});
}

} // namespace

work_figures::work_figures(figure_register& to)
    : leases_outstanding_(
          to.gauge("leases_outstanding", "Leases handed out and not ended.")),
      idle_clients_(clients(to, "idle")),
      leased_clients_(clients(to, "leased")),
      busy_slots_(slots(to, "busy")),
      idle_slots_(slots(to, "idle")),
      lost_slots_(slots(to, "lost")),
      updates_(by_outcome(to)),
      samples_(
          to.tally("samples_total", "Samples processed for accepted updates, "
                                    "or in steps of a mesh.")),
      steps_(to.tally("steps_total", "Optimiser steps done for accepted "
                                     "updates, or by a mesh.")),
      leases_(to.tally("leases_total", "Leases handed out.")),
      requeued_(to.tally(
          "requeued_total", "Leases taken back without fault of the client.")),
      revoked_(to.tally("revoked_total", "Leases that the rule gave up.")),
      overdue_(to.tally("deadline_misses_total",
          "Leases that the rule gave up because their round's deadline was "
          "over.")),
      handed_in_(to.tally("handed_in_total",
          "Accepted updates that a node had kept through a restart.")),
      staleness_(to.histogram("staleness_versions",
          "Versions published between an accepted update's base and its "
          "arrival.",
          staleness_bounds())),
      training_seconds_(to.seconds(
          "training_seconds", "Wall time of an accepted update's training.")),
      idle_seconds_(&to.counter("idle_slot_seconds_total",
          "Time that compute slots waited for a lease, all together.")) {
  flush_levels();
}

void work_figures::hear(const facts::run_started& what) {
  ledger_.reset(what->clients);
  slots_ = what->of_mesh() ? 0 : what->slots;
  slots_lost_count_ = 0;
  begun_ = true;
  ended_ = false;
  idle_ = 0;
  now_.reset();
}

void work_figures::hear(const facts::voided&) {
  ledger_.reset(ledger_.clients());
}

void work_figures::hear(const facts::leased& f) {
  leases_.add();
  ledger_.begin(f.client, f.lease);
}

void work_figures::hear(const facts::accepted& f) {
  ledger_.end(f.client, f.lease);
  updates_[accepted_index].add();
  if (f.handed_in)
    handed_in_.add();
  samples_.add(f.samples);
  steps_.add(f.steps);
  staleness_.add(number(f.staleness));
  training_seconds_.add(f.seconds);
}

void work_figures::hear(const facts::dropped& f) {
  ledger_.end(f.client, f.lease);
  auto index = static_cast<std::size_t>(f.why);
  if (index > accepted_index && index < failed_index)
    updates_[index].add();
}

void work_figures::hear(const facts::client_failed& f) {
  ledger_.end(f.client, f.lease);
  updates_[failed_index].add();
}

void work_figures::hear(const facts::requeued& f) {
  ledger_.end(f.client, f.lease);
  requeued_.add();
}

void work_figures::hear(const facts::revoked& f) {
  ledger_.end(f.client, f.lease);
  revoked_.add();
  if (f.overdue)
    overdue_.add();
}

void work_figures::hear(const facts::slot_lost& f) {
  if (f.why.empty())
    ledger_.end(f.client, f.lease);
  ++slots_lost_count_;
}

void work_figures::hear(const facts::slot_returned&) {
  slots_lost_count_ -= std::min<std::uint64_t>(slots_lost_count_, 1);
}

void work_figures::hear(const facts::slot_joined&) {
  ++slots_;
}

void work_figures::hear(const facts::slot_left&) {
  slots_ -= std::min<std::uint64_t>(slots_, 1);
}

void work_figures::hear(const facts::client_joined&) {
  ledger_.join();
}

void work_figures::hear(const facts::client_left& f) {
  ledger_.leave(f.client);
}

void work_figures::hear(const facts::stepped& f) {
  samples_.add(f.samples);
  steps_.add(f.last - f.first);
}

// Nobody waits any more.
void work_figures::hear(const facts::run_ended&) {
  ledger_.reset(ledger_.clients());
  ended_ = true;
}

// Within a batch, which is a tenth of a second, the level before it counts.
void work_figures::wait_until(instant now) {
  if (now_ && now > *now_)
    idle_seconds_->Increment(number(idle_) * seconds(now - *now_));
  now_ = now;
}

void work_figures::flush() {
  for (auto& outcome : updates_)
    outcome.flush();
  for (auto* count : {&samples_, &steps_, &leases_, &requeued_, &revoked_,
           &overdue_, &handed_in_})
    count->flush();
  for (auto* values : {&staleness_, &training_seconds_})
    values->flush();
  flush_levels();
}

void work_figures::flush_levels() {
  const auto leased = ledger_.outstanding();
  leases_outstanding_.set(number(leased));
  if (!begun_)
    return; // with how many clients and slots, nobody knows
  const auto left = slots_ - std::min(slots_, slots_lost_count_);
  const auto busy = std::min(leased, left);
  leased_clients_.set(number(leased));
  idle_clients_.set(number(ledger_.clients() - leased));
  busy_slots_.set(number(busy));
  idle_slots_.set(number(left - busy));
  idle_ = ended_ ? 0 : left - busy;
  lost_slots_.set(number(slots_lost_count_));
}

} // namespace troupe::monitoring
