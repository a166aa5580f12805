#include "runtime/company/company.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "gpu/device.hpp"
#include "monitoring/actor_telemetry.hpp"
#include "monitoring/monitor.hpp"
#include "monitoring/process_figures.hpp"
#include "monitoring/process_stat.hpp"
#include "monitoring/progress.hpp"
#include "protocols/storage.hpp"
#include "protocols/verbs.hpp"
#include "runtime/company/federation.hpp"
#include "runtime/company/memory.hpp"
#include "runtime/company/mesh.hpp"
#include "runtime/company/room.hpp"
#include "runtime/company/slots.hpp"
#include "runtime/exit_code.hpp"
#include "runtime/record/scribe.hpp"

namespace troupe {
namespace {

constexpr std::chrono::seconds observers_end_within{10};

constexpr std::size_t service_threads = 1; // the scribe
constexpr std::size_t outlet_threads = 2;  // of stdout and stderr

// How a run's end looks to its nodes.
cluster::farewell farewell_for(const run_report& report) {
  switch (report.outcome) {
  case run_outcome::completed:
  case run_outcome::target_reached:
    return {"the run is done", true, done};
  case run_outcome::interrupted:
    return {report.why ? "the run was interrupted: " + text(report.why)
                       : "the run was interrupted",
        true, interrupted};
  case run_outcome::failed:
    return {"the run has failed: " + text(report.why), true, failed};
  }
  return {"the run has ended", true, failed};
}

} // namespace

company::company(
    const topology& what, const run_options& how, gpu::layout layout)
    : what_(what),
      how_(how),
      devices_(choose_devices(what.config())),
      settled_(settled(what.config(), devices_)),
      layout_(std::move(layout)) {
  gpu::use_one_blas_thread();
  free_messages_quickly();
  account_.name = what.config().run.name;
  account_.fingerprint = devices_.fingerprint();
}

company::~company() {
  if (cluster_)
    cluster_->close();
}

// CAF starts its own threads one by one, and stops in the middle of nowhere
// where it gets none.
void company::open(const room& wanted) {
  if (!how_.metrics.empty()) {
    figures_.emplace();
    monitoring::measure_mailboxes(config_);
  }
  configure_actors(config_);
  const auto threads = actor_threads() + wanted.computing + wanted.others +
                       service_threads + outlet_threads + (figures_ ? 1 : 0) +
                       (how_.cluster.at.empty() ? 0 : 1);
  expect_threads(threads);
  expect_address_space(threads, wanted.computing, wanted.memory);
  std::shared_ptr<monitoring::wire_figures> wires;
  if (figures_ && !how_.cluster.at.empty())
    wires = std::make_shared<monitoring::wire_figures>(how_.cluster.silence);
  if (!how_.cluster.at.empty())
    cluster_ = std::make_unique<cluster::coordinator>(
        how_.cluster, wanted.most_values, settled_.federation.max_norm, wires);
  system_ = std::make_unique<caf::actor_system>(config_);
  if (figures_)
    expose(wires.get());
}

void company::expose(const monitoring::wire_figures* wires) {
  monitoring::collectables served{figures_->collectable(),
      monitoring::actor_telemetry(*system_), monitoring::process_figures()};
  if (wires)
    std::ranges::move(wires->all(), std::back_inserter(served));
  exposer_.emplace(monitoring::endpoint::parse(how_.metrics), std::move(served),
      figures_->nodes());
}

facts::run_header company::header(
    const past& before, std::string rule, std::uint64_t to_do) const {
  const auto& c = settled_;
  facts::run_header result;
  result.name = c.run.name;
  result.rule = std::move(rule);
  result.fingerprint = account_.fingerprint;
  result.seed = c.run.seed;
  result.parameters = gpu::size(layout_);
  result.rounds = to_do;
  result.incarnation = before.incarnation;
  result.from = from_;
  result.unit = what_.unit();
  result.promises_bits = promises_bits(before);
  if (before.state) {
    result.version = before.state->version;
    result.updates = before.state->updates;
  }
  if (const auto* best = best_of(before.history)) {
    result.best_version = best->version;
    result.best_accuracy = best->accuracy;
  }
  return result;
}

std::vector<fact> company::preface(const past& before) {
  std::vector<fact> result;
  if (before.has_void())
    result.push_back({0, {},
        facts::voided{before.first_void(), before.last_fact,
            before.state ? before.state->version : 0}});
  return result;
}

// What was computed by another fingerprint is in the model.
bool company::promises_bits(const past& before) const {
  return !before.state ||
         (before.state->promises_bits &&
             before.state->fingerprint == account_.fingerprint);
}

chronicle_options company::recorded(const run_directory& place,
    const past& before, std::string rule, std::size_t shards) const {
  const auto& c = settled_;
  return {&files::system(), place.root(), layout_, c.run.name, std::move(rule),
      to_toml(c), account_.fingerprint, from_, c.run.keep_checkpoints, shards,
      c.run.order == "virtual", before.state ? before.state->elapsed : 0.0,
      before.journal_bytes, before.history, before.resumed, before.resumed_at,
      c.is_mesh() ? "step" : "version"};
}

std::vector<observer> company::spawn_observers(const past& before) {
  std::vector<observer> result;
  if (figures_ && !before.history.empty()) {
    const auto& last = before.history.back();
    figures_->take_up({.version = last.version,
        .loss = last.loss,
        .accuracy = last.accuracy});
  }
  if (figures_) {
    figures_->began_after(monitoring::process_age());
    result.push_back(system_->spawn<monitoring::monitor_impl>(
        std::move(*std::exchange(figures_, std::nullopt))));
  }
  auto told = monitoring::progress_options_for(STDOUT_FILENO);
  told.quiet = how_.quiet;
  told.ready = [] { return monitoring::standard_output().idle(); };
  result.push_back(system_->spawn<monitoring::progress_impl>(&screen_, told));
  return result;
}

std::string company::listens_at() const {
  return cluster_ ? cluster_->text() : std::string{};
}

std::string company::metrics() const {
  return exposer_ ? exposer_->url() : std::string{};
}

void company::say_how_it_ended(const run_report& report) {
  if (cluster_)
    cluster_->dismiss(farewell_for(report));
}

void company::seal(
    caf::scoped_actor& self, const scribe& record, run_report& report) {
  ask(self.ptr(), record, caf::infinite, troupe::seal{})
      .receive([] {},
          [&](caf::error& why) {
            report.outcome = run_outcome::failed;
            report.why = std::move(why);
          });
}

// Observers wait for nobody: what they have heard, they have soon passed on.
void company::await_end(
    caf::scoped_actor& self, const std::vector<observer>& readers) {
  const auto end = std::chrono::steady_clock::now() + observers_end_within;
  for (const auto& reader : readers)
    watch(self.ptr(), reader);
  auto left = readers.size();
  while (left > 0)
    self->receive([&](const caf::down_msg&) { --left; },
        caf::after(end - std::chrono::steady_clock::now()) >>
            [&] { left = 0; });
}

void company::leave(int code) {
  exposer_.reset();
  if (slots_lost_ == 0)
    return;
  if (monitoring::settle_standard_outlets()) {
    std::cout.flush();
    std::fflush(nullptr);
  }
  std::_Exit(code);
}

std::unique_ptr<company> gather(const topology& what, const run_options& how) {
  if (what.config().is_mesh())
    return std::make_unique<mesh_company>(what, how);
  return std::make_unique<federation>(what, how);
}

} // namespace troupe
