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
#include "monitoring/late_gauge.hpp"
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

late_gauge::family& gauges(
    Registry& to, const std::string& name, const std::string& help) {
  return prometheus::BuildGauge()
      .Name("troupe_" + name)
      .Help(help)
      .Register(to);
}

late_gauge gauge(Registry& to, const std::string& name, const std::string& help,
    const prometheus::Labels& labels = {}) {
  return late_gauge{gauges(to, name, help), labels};
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

  late_gauge::family& info =
      gauges(r, "run_info", "What is being run; always 1.");
  prometheus::Gauge* current_info = nullptr;

  late_gauge active = gauge(r, "run_active", "Whether a run is going on.");
  late_gauge planned =
      gauge(r, "rounds_planned", "Rounds, or versions, to do in all.");
  late_gauge parameters =
      gauge(r, "model_parameters", "Parameters of the model.");
  late_gauge version =
      gauge(r, "model_version", "Last published version of the model.");
  late_gauge model_updates =
      gauge(r, "model_updates", "Updates in all versions so far.");
  late_gauge stored_version =
      gauge(r, "stored_version", "Last version that survives a crash.");
  late_gauge accuracy =
      gauge(r, "accuracy", "Accuracy at the last evaluation, 0 to 1.");
  late_gauge best_accuracy =
      gauge(r, "best_accuracy", "Best accuracy of any evaluation, 0 to 1.");
  late_gauge loss = gauge(r, "loss", "Loss at the last evaluation.");
  late_gauge evaluated_version =
      gauge(r, "evaluated_version", "Version of the last evaluation.");
  late_gauge training_loss = gauge(
      r, "training_loss", "Mean training loss of the last version's updates.");
  late_gauge leases_outstanding =
      gauge(r, "leases_outstanding", "Leases handed out and not ended.");
  late_gauge idle_clients =
      gauge(r, "clients", "Clients by state.", {{"state", "idle"}});
  late_gauge leased_clients =
      gauge(r, "clients", "Clients by state.", {{"state", "leased"}});
  late_gauge busy_slots =
      gauge(r, "compute_slots", "Compute slots by state.", {{"state", "busy"}});
  late_gauge idle_slots =
      gauge(r, "compute_slots", "Compute slots by state.", {{"state", "idle"}});
  late_gauge lost_slots =
      gauge(r, "compute_slots", "Compute slots by state.", {{"state", "lost"}});

  late_gauge nodes = gauge(r, "nodes", "Nodes that take part.");
  late_gauge epoch = gauge(
      r, "membership_epoch", "Changes of who is a member of the cluster.");
  count_tally nodes_joined =
      counter(r, "nodes_joined_total", "Nodes that came, again or at first.");
  count_tally nodes_lost = counter(r, "nodes_gone_total",
      "Nodes that take part no more.", {{"how", "lost"}});
  count_tally nodes_left = counter(r, "nodes_gone_total",
      "Nodes that take part no more.", {{"how", "left"}});

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
  std::uint64_t nodes_there = 0;
  bool begun = false;
  double best = -std::numeric_limits<double>::infinity();

  static std::vector<count_tally> updates_by_outcome(Registry& to) {
    std::vector<count_tally> result;
    for (const auto* outcome : outcomes)
      result.push_back(counter(to, "updates_total",
          "Updates by what became of them.", {{"outcome", outcome}}));
    return result;
  }

  void operator()(const facts::run_started& what) {
    const auto& f = *what;
    if (current_info)
      info.Remove(current_info);
    current_info = &info.Add(
        {{"name", f.name}, {"rule", f.rule}, {"fingerprint", f.fingerprint},
            {"seed", std::to_string(f.seed)},
            {"incarnation", std::to_string(f.incarnation)}},
        1.0);
    active.set(1.0);
    planned.set(number(f.rounds));
    parameters.set(number(f.parameters));
    version.set(number(f.version));
    model_updates.set(number(f.updates));
    stored_version.set(number(f.version)); // or it could not be taken up
    if (f.best_version > 0)
      best_accuracy.set(best = f.best_accuracy);
    ledger.reset(f.clients);
    slots = f.slots;
    slots_lost = 0;
    begun = true;
  }

  void operator()(const facts::voided& f) {
    ledger.reset(ledger.clients());
    version.set(number(f.version));
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
    version.set(number(f.version));
    model_updates.set(number(f.total_updates));
    training_loss.set(f.loss);
    round_seconds.add(f.seconds);
  }

  void operator()(const facts::evaluated& f) {
    scored(f.version, f.loss, f.accuracy);
    evaluation_seconds.add(f.seconds);
    if (f.accuracy > best)
      best_accuracy.set(best = f.accuracy);
  }

  void operator()(const facts::stored& f) {
    stored_version.set(number(f.version));
    store_seconds.add(f.seconds);
  }

  void operator()(const facts::slot_lost& f) {
    if (f.why.empty())
      ledger.end(f.client, f.lease);
    ++slots_lost;
  }

  void operator()(const facts::slot_returned&) {
    slots_lost -= std::min<std::uint64_t>(slots_lost, 1);
  }

  void operator()(const facts::client_joined&) { ledger.join(); }
  void operator()(const facts::client_left& f) { ledger.leave(f.client); }
  void operator()(const facts::slot_joined&) { ++slots; }
  void operator()(const facts::slot_left&) {
    slots -= std::min<std::uint64_t>(slots, 1);
  }
  void operator()(const facts::waiting&) {}
  void operator()(const facts::node_joined& f) {
    nodes_joined.add();
    nodes.set(number(++nodes_there));
    epoch.set(number(f.epoch));
  }

  void operator()(const facts::node_left& f) {
    (f.lost ? nodes_lost : nodes_left).add();
    nodes_there -= std::min<std::uint64_t>(nodes_there, 1);
    nodes.set(number(nodes_there));
    epoch.set(number(f.epoch));
  }

  void operator()(const facts::run_ended&) {
    ledger.reset(ledger.clients());
    active.set(0.0);
  }

  void scored(version_id what, double its_loss, double its_accuracy) {
    accuracy.set(its_accuracy);
    loss.set(its_loss);
    evaluated_version.set(number(what));
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
    leases_outstanding.set(number(leased));
    if (!begun)
      return; // with how many clients and slots, nobody knows
    const auto left = slots - std::min(slots, slots_lost);
    const auto busy = std::min(leased, left);
    leased_clients.set(number(leased));
    idle_clients.set(number(ledger.clients() - leased));
    busy_slots.set(number(busy));
    idle_slots.set(number(left - busy));
    lost_slots.set(number(slots_lost));
  }
};

metrics::metrics() : state_(std::make_unique<state>()) {
  state_->active.set(0.0);
  state_->flush_levels();
}
metrics::~metrics() = default;
metrics::metrics(metrics&&) noexcept = default;
metrics& metrics::operator=(metrics&&) noexcept = default;

void metrics::take_up(const facts::evaluated& last) {
  state_->scored(last.version, last.loss, last.accuracy);
}

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
