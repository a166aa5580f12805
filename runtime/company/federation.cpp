#include "runtime/company/federation.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

#include "actors/federated/aggregator.hpp"
#include "actors/federated/evaluator.hpp"
#include "actors/federated/shard.hpp"
#include "actors/federated/worker.hpp"
#include "gpu/training/stateful_learner.hpp"
#include "monitoring/outlet.hpp"
#include "monitoring/process_stat.hpp"
#include "runtime/company/closing.hpp"
#include "runtime/company/memory.hpp"
#include "runtime/company/slots.hpp"
#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/servers.hpp"
#include "runtime/record/provenance.hpp"
#include "runtime/record/scribe.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe {
namespace {

void dismiss_all(const crew& who) {
  for (const auto& one : who.workers)
    dismiss(one);
  for (const auto& one : who.slots)
    dismiss(one.who);
  for (const auto& one : who.observers)
    dismiss(one);
  for (const auto& one : who.shards)
    dismiss(one);
  dismiss(who.evaluator);
  dismiss(who.scribe);
}

std::jthread run_script(const std::optional<coming_and_going>& how,
    const std::shared_ptr<attendance::hall>& hall) {
  if (!how || !how->script)
    return {};
  return std::jthread{[&script = how->script, hall](std::stop_token stop) {
    attendance who{hall};
    try {
      script(who, stop);
    } catch (const std::exception& error) {
      monitoring::outlet_stream{monitoring::standard_error()}
          << "clients come and go no more: " << error.what() << std::endl;
    }
  }};
}

void end_script(
    std::jthread& script, const std::shared_ptr<attendance::hall>& hall) {
  if (script.joinable()) {
    script.request_stop();
    script.join();
  }
  if (hall)
    hall->close();
}

} // namespace

federation::federation(const topology& what, const run_options& how)
    : federation(what, how, what.learner()(gpu::device{})) {}

federation::federation(const topology& what, const run_options& how,
    std::unique_ptr<training::learner> probe)
    : company(what, how, probe->layout()), probe_(std::move(probe)) {
  if (settled_.client.keeps_variates() && probe_->stateful())
    throw configuration_error({fmt::format(
        "client.method = \"{}\" keeps control variates of its clients, and "
        "this learner keeps states of its own: set \"sgd\"",
        settled_.client.method)});
  auto most = training::most_values(*probe_);
  if (leases_regions(settled_))
    most = std::max(
        most, most_kept_by_regions(settled_, gpu::size(layout_), most));
  open({compute_threads(what, devices_),
      settled_.federation.shards + region_threads(settled_) +
          edge_threads(settled_),
      memory(), most});
  data_ = what.client_data();
  from_ = provenance_of(data_, what.test_data(), what.initial());
}

double federation::memory() const {
  return parameter_memory(
      static_cast<double>(gpu::size(layout_)), devices_, settled_);
}

// The root's own slots only score: what trains there is the regions' to say.
// Where nodes join, regions sit at anybody's slots, and these look alike.
void federation::gather_regions(crew& who, const past& before) {
  region_plan what{settled_, who.slots, {settled_.run.seed, devices_.shares()},
      depth(), adding(), {}};
  what.header.name = settled_.run.name;
  what.header.fingerprint = account_.fingerprint;
  what.header.seed = settled_.run.seed;
  what.header.parameters = gpu::size(layout_);
  what.header.slots = devices_.slots();
  what.header.incarnation = before.incarnation;
  what.travel = bool{cluster_};
  regions_ = spawn_regions(*system_, std::move(what), std::move(data_));
  if (cluster_)
    who.slots = regions_.lanes;
  who.workers = regions_.workers;
  who.homes = regions_.homes;
}

void federation::gather_workers(crew& who, const past& before) {
  if (leases_regions(settled_))
    return gather_regions(who, before);
  if (!comes_and_goes()) {
    who.workers = spawn_workers(*system_, settled_, std::move(data_));
    return;
  }
  hall_ = std::make_shared<attendance::hall>(*system_, aggregator_,
      context_of(settled_), std::move(data_), what_.learner(),
      settled_.federation.max_norm);
}

std::shared_ptr<const crew> federation::spawn_all(const run_directory& place,
    const past& before, const gpu::shared_buffer& parameters,
    const named_blocks& blocks) {
  const auto& c = settled_;
  auto who = std::make_shared<crew>();
  who->slots = spawn_slots(*system_, what_, settled_, devices_);
  gather_workers(*who, before);
  const auto shards = c.federation.shards;
  const auto credit = leases_regions(c) ? 1 : adding() > 1 ? adding() : depth();
  edges_ = spawn_edges(*system_, c,
      {gpu::size(layout_), server_of(c), shards, credit, aggregator_});
  who->edges = edges_.lowest;
  who->edge_of = edges_.edge_of;
  for (shard_id i = 0; i < shards; ++i)
    who->shards.push_back(
        system_->spawn<shard_impl, caf::detached>(shard_options{parameters,
            blocks, server_of(c), credit, aggregator_, sums_at(), i, shards,
            edges_.highest.empty() ? std::vector<edge_shard>{}
                                   : edges_.highest[i]}));
  if (!what_.test_data().empty())
    who->evaluator = system_->spawn<evaluator_impl>(
        evaluator_options{what_.test_data(), 500, who->slots, aggregator_,
            cluster_ ? from_seconds(how_.cluster.patience) : duration{}});
  who->scribe = system_->spawn<scribe_impl, caf::detached>(
      recorded(place, before, c.federation.rule, shards), aggregator_);
  who->observers = spawn_observers(before);
  if (cluster_)
    who->observers.push_back(caf::actor_cast<observer>(
        cluster_->prepare(*system_, aggregator_, as_a_cluster(place, before))));
  return who;
}

run_report federation::play(
    const run_directory& place, const past& before, interruption& signals) {
  auto parameters = start(before);
  auto blocks = kept(before);
  aggregator_ =
      system_->spawn<aggregator_impl>(plan(before, parameters, blocks));
  auto who = spawn_all(place, before, parameters, blocks);
  parameters.reset();
  blocks.clear();
  probe_.reset();
  caf::scoped_actor self{*system_};
  account_.startup_seconds = monitoring::process_age();
  run_report report;
  forgetful forgets{signals};
  auto answered = ask(self.ptr(), aggregator_, caf::infinite, begin{who});
  auto script = run_script(what_.movement(), hall_);
  // Not before: a run that has not begun cannot be interrupted.
  signals.react([whom = aggregator_] { send_anonymously(whom, interrupt{}); });
  if (cluster_)
    cluster_->open();
  answered.receive([&](run_report& answer) { report = std::move(answer); },
      [&](caf::error& why) {
        report.outcome = run_outcome::failed;
        report.why = std::move(why);
        report.slots_lost = devices_.slots(); // nobody is left to know better
      });
  end_script(script, hall_);
  say_how_it_ended(report);
  seal(self, who->scribe, report);
  slots_lost_ = report.slots_lost;
  if (regions_.slots_lost)
    slots_lost_ += *regions_.slots_lost;
  account_.rule = report.rule;
  account_.promises_bits = report.promises_bits;
  account_.wall_seconds = monitoring::process_age();
  dismiss_all(*who);
  for (const auto& one : std::exchange(regions_, {}).others)
    dismiss(one);
  for (const auto& one : std::exchange(edges_, {}).all)
    dismiss(one);
  dismiss(std::exchange(aggregator_, {}));
  // The last lines come before anything else that is said.
  await_end(self, who->observers);
  return report;
}

} // namespace troupe
