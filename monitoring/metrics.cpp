#include "monitoring/metrics.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "monitoring/count_tally.hpp"
#include "monitoring/histogram_tally.hpp"
#include "monitoring/lease_ledger.hpp"

namespace troupe::monitoring {

namespace {

using prometheus::Registry;
using bounds = std::vector<double>;

// Label values are a promise to dashboards, so they do not follow the words
// that people read elsewhere. Index: drop_reason; `none` stands for accepted.
constexpr std::array outcomes{
    "accepted", "unknown", "duplicate", "late", "too_stale", "failed"};
constexpr std::size_t accepted_index = 0;
constexpr std::size_t failed_index = 5;
static_assert(static_cast<int>(federated::drop_reason::unknown) == 1);
static_assert(static_cast<int>(federated::drop_reason::duplicate) == 2);
static_assert(static_cast<int>(federated::drop_reason::late) == 3);
static_assert(static_cast<int>(federated::drop_reason::too_stale) == 4);

prometheus::Gauge& gauge(Registry& to, const std::string& name,
    const std::string& help, const prometheus::Labels& labels = {}) {
  return prometheus::BuildGauge()
      .Name("troupe_" + name)
      .Help(help)
      .Register(to)
      .Add(labels);
}

count_tally counter(Registry& to, const std::string& name,
    const std::string& help, const prometheus::Labels& labels = {}) {
  auto& made = prometheus::BuildCounter()
                   .Name("troupe_" + name)
                   .Help(help)
                   .Register(to)
                   .Add(labels);
  return count_tally{made};
}

histogram_tally histogram(Registry& to, const std::string& name,
    const std::string& help, const bounds& at) {
  auto& made = prometheus::BuildHistogram()
                   .Name("troupe_" + name)
                   .Help(help)
                   .Register(to)
                   .Add({}, at);
  return {made, at};
}

const bounds& seconds_bounds() {
  static const bounds at{0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3,
      1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0};
  return at;
}

const bounds& staleness_bounds() {
  static const bounds at{0, 1, 2, 3, 5, 8, 12, 20, 32, 50, 100};
  return at;
}

double number(std::uint64_t x) {
  return static_cast<double>(x);
}

} // namespace

struct metrics::state {
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  Registry& r = *registry;

  prometheus::Family<prometheus::Gauge>& info =
      prometheus::BuildGauge()
          .Name("troupe_run_info")
          .Help("What is being run; always 1.")
          .Register(r);
  prometheus::Gauge* current_info = nullptr;

  prometheus::Gauge& active =
      gauge(r, "run_active", "Whether a run is going on.");
  prometheus::Gauge& planned =
      gauge(r, "rounds_planned", "Rounds, or versions, to do in all.");
  prometheus::Gauge& parameters =
      gauge(r, "model_parameters", "Parameters of the model.");
  prometheus::Gauge& version =
      gauge(r, "model_version", "Last published version of the model.");
  prometheus::Gauge& model_updates =
      gauge(r, "model_updates", "Updates in all versions so far.");
  prometheus::Gauge& stored_version =
      gauge(r, "stored_version", "Last version that survives a crash.");
  prometheus::Gauge& accuracy =
      gauge(r, "accuracy", "Accuracy at the last evaluation, 0 to 1.");
  prometheus::Gauge& best_accuracy =
      gauge(r, "best_accuracy", "Best accuracy of any evaluation, 0 to 1.");
  prometheus::Gauge& loss = gauge(r, "loss", "Loss at the last evaluation.");
  prometheus::Gauge& evaluated_version =
      gauge(r, "evaluated_version", "Version of the last evaluation.");
  prometheus::Gauge& training_loss = gauge(
      r, "training_loss", "Mean training loss of the last version's updates.");
  prometheus::Gauge& leases_outstanding =
      gauge(r, "leases_outstanding", "Leases handed out and not ended.");
  prometheus::Gauge& idle_clients =
      gauge(r, "clients", "Clients by state.", {{"state", "idle"}});
  prometheus::Gauge& leased_clients =
      gauge(r, "clients", "Clients by state.", {{"state", "leased"}});
  prometheus::Gauge& busy_slots =
      gauge(r, "compute_slots", "Compute slots by state.", {{"state", "busy"}});
  prometheus::Gauge& idle_slots =
      gauge(r, "compute_slots", "Compute slots by state.", {{"state", "idle"}});
  prometheus::Gauge& lost_slots =
      gauge(r, "compute_slots", "Compute slots by state.", {{"state", "lost"}});

  std::vector<count_tally> updates = updates_by_outcome(r);
  count_tally samples =
      counter(r, "samples_total", "Samples processed for accepted updates.");
  count_tally steps =
      counter(r, "steps_total", "Optimiser steps done for accepted updates.");
  count_tally leases = counter(r, "leases_total", "Leases handed out.");
  count_tally requeued = counter(
      r, "requeued_total", "Leases taken back without fault of the client.");
  count_tally rounds_started =
      counter(r, "rounds_started_total", "Rounds begun.");
  count_tally rounds_skipped =
      counter(r, "rounds_skipped_total", "Rounds that changed nothing.");
  count_tally facts = counter(r, "facts_total", "Facts heard.");

  histogram_tally staleness = histogram(r, "staleness_versions",
      "Versions published between an accepted update's base and its arrival.",
      staleness_bounds());
  histogram_tally training_seconds = histogram(r, "training_seconds",
      "Wall time of an accepted update's training.", seconds_bounds());
  histogram_tally round_seconds = histogram(r, "round_seconds",
      "Time from one version to the next.", seconds_bounds());
  histogram_tally evaluation_seconds = histogram(r, "evaluation_seconds",
      "Time from an evaluation's request to its result.", seconds_bounds());
  histogram_tally store_seconds = histogram(
      r, "store_seconds", "Time to make a version durable.", seconds_bounds());

  lease_ledger ledger;
  std::uint64_t slots = 0;
  std::uint64_t slots_lost = 0;
  double best = -std::numeric_limits<double>::infinity();

  static std::vector<count_tally> updates_by_outcome(Registry& to) {
    std::vector<count_tally> result;
    for (const auto* outcome : outcomes)
      result.push_back(counter(to, "updates_total",
          "Updates by what became of them.", {{"outcome", outcome}}));
    return result;
  }

  void operator()(const facts::run_started& f) {
    if (current_info)
      info.Remove(current_info);
    current_info = &info.Add({{"name", f.name}, {"rule", f.rule},
        {"fingerprint", f.fingerprint}, {"seed", std::to_string(f.seed)},
        {"incarnation", std::to_string(f.incarnation)}});
    current_info->Set(1.0);
    active.Set(1.0);
    planned.Set(number(f.rounds));
    parameters.Set(number(f.parameters));
    version.Set(number(f.version));
    stored_version.Set(number(f.version)); // or it could not be taken up
    ledger.reset(f.clients);
    slots = f.slots;
    slots_lost = 0;
  }

  void operator()(const facts::voided& f) {
    ledger.reset(ledger.clients());
    version.Set(number(f.version));
  }

  void operator()(const facts::round_started&) { rounds_started.add(); }

  void operator()(const facts::leased& f) {
    leases.add();
    ledger.begin(f.client, f.lease);
  }

  void operator()(const facts::accepted& f) {
    ledger.end(f.client, f.lease);
    updates[accepted_index].add();
    samples.add(f.samples);
    steps.add(f.steps);
    staleness.add(number(f.staleness));
    training_seconds.add(f.seconds);
  }

  void operator()(const facts::dropped& f) {
    ledger.end(f.client, f.lease);
    auto index = static_cast<std::size_t>(f.why);
    if (index > accepted_index && index < failed_index)
      updates[index].add();
  }

  void operator()(const facts::client_failed& f) {
    ledger.end(f.client, f.lease);
    updates[failed_index].add();
  }

  void operator()(const facts::requeued& f) {
    ledger.end(f.client, f.lease);
    requeued.add();
  }

  void operator()(const facts::round_skipped&) { rounds_skipped.add(); }

  void operator()(const facts::published& f) {
    version.Set(number(f.version));
    model_updates.Set(number(f.total_updates));
    training_loss.Set(f.loss);
    round_seconds.add(f.seconds);
  }

  void operator()(const facts::evaluated& f) {
    accuracy.Set(f.accuracy);
    loss.Set(f.loss);
    evaluated_version.Set(number(f.version));
    evaluation_seconds.add(f.seconds);
    if (f.accuracy > best)
      best_accuracy.Set(best = f.accuracy);
  }

  void operator()(const facts::stored& f) {
    stored_version.Set(number(f.version));
    store_seconds.add(f.seconds);
  }

  void operator()(const facts::slot_lost& f) {
    ledger.end(f.client, f.lease);
    ++slots_lost;
  }

  void operator()(const facts::run_ended&) {
    ledger.reset(ledger.clients());
    active.Set(0.0);
  }

  void flush() {
    for (auto& outcome : updates)
      outcome.flush();
    for (auto* count : {&samples, &steps, &leases, &requeued, &rounds_started,
             &rounds_skipped, &facts})
      count->flush();
    for (auto* values : {&staleness, &training_seconds, &round_seconds,
             &evaluation_seconds, &store_seconds})
      values->flush();
    flush_levels();
  }

  void flush_levels() {
    const auto leased = ledger.outstanding();
    const auto left = slots - std::min(slots, slots_lost);
    const auto busy = std::min(leased, left);
    leases_outstanding.Set(number(leased));
    leased_clients.Set(number(leased));
    idle_clients.Set(number(ledger.clients() - leased));
    busy_slots.Set(number(busy));
    idle_slots.Set(number(left - busy));
    lost_slots.Set(number(slots_lost));
  }
};

metrics::metrics() : state_(std::make_unique<state>()) {}
metrics::~metrics() = default;
metrics::metrics(metrics&&) noexcept = default;
metrics& metrics::operator=(metrics&&) noexcept = default;

void metrics::add(const std::vector<fact>& batch) {
  for (const auto& f : batch)
    std::visit(*state_, f.what);
  state_->facts.add(batch.size());
  state_->flush();
}

std::shared_ptr<prometheus::Collectable> metrics::collectable() const {
  return state_->registry;
}

} // namespace troupe::monitoring
