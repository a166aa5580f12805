#include "runtime/company/mesh.hpp"

#include <algorithm>
#include <utility>

#include "actors/parallel/executor.hpp"
#include "actors/parallel/rank.hpp"
#include "monitoring/process_stat.hpp"
#include "runtime/company/closing.hpp"
#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/parallel/local_room.hpp"
#include "runtime/record/provenance.hpp"
#include "runtime/record/scribe.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe {
namespace {

// A version that was due and has no score yet.
bool to_score_first(const configuration& c, const past& before) {
  if (!before.state || before.state->version == 0 || before.scored())
    return false;
  const auto step = before.state->version;
  return step == c.run.steps ||
         (c.run.evaluate_every > 0 && step % c.run.evaluate_every == 0);
}

} // namespace

mesh_company::mesh_company(const topology& what, const run_options& how)
    : company(what, how, models::layout(*what.model())),
      plan_(plan_of(settled_)),
      data_(what.training_data()),
      room_(std::make_shared<parallel::local_room>()) {
  const auto ranks = plan_.workers + plan_.servers();
  open(
      {ranks, 1, mesh_memory(static_cast<double>(gpu::size(layout_)), settled_),
          gpu::size(layout_)});
  from_ = provenance_of(std::span{&data_, 1}, what.test_data(), what.initial());
}

parallel::conductor_options mesh_company::options(const past& before) const {
  const auto& c = settled_;
  parallel::conductor_options result;
  result.how.steps = c.run.steps;
  result.how.evaluate_every = c.run.evaluate_every;
  result.how.checkpoint_every = c.run.checkpoint_every;
  result.how.target_accuracy = c.run.target_accuracy;
  result.how.scores = !what_.test_data().empty();
  result.how.scores_first = result.how.scores && to_score_first(c, before);
  result.how.batch = plan_.batch;
  result.how.open = bool{cluster_};
  result.how.wanted = plan_.workers + plan_.servers();
  result.how.least =
      static_cast<std::uint32_t>(c.parallel.min_workers) + plan_.servers();
  result.how.sharded = plan_.sharded();
  result.how.together = plan_.sharded() || !plan_.lockstep();
  result.header = header(before, c.parallel.sync, c.run.steps);
  result.header.slots = plan_.workers + plan_.servers();
  result.preface = preface(before);
  result.next_fact = before.last_fact + 1;
  if (before.state) {
    result.from = {
        before.state->version, before.state->parameters, before.state->blocks};
    result.updates = before.state->updates;
    result.header.sha256 =
        sha256(std::as_bytes(before.state->parameters->span()));
  }
  return result;
}

// Devices take them in turn.
std::vector<parallel::rank_actor> mesh_company::spawn_ranks() {
  std::vector<parallel::rank_actor> result;
  for (std::uint32_t i = 0; i < plan_.workers + plan_.servers(); ++i) {
    const auto& on = devices_.devices[i % devices_.devices.size()];
    auto does = system_->spawn<parallel::executor_impl, caf::detached>(
        parallel::executor_options{plan_,
            {*what_.model(), data_, what_.initial()}, what_.test_data(),
            on.where, room_, conductor_});
    result.push_back(system_->spawn<parallel::rank_impl>(std::move(does)));
  }
  return result;
}

run_report mesh_company::play(
    const run_directory& place, const past& before, interruption& signals) {
  conductor_ = system_->spawn<parallel::conductor_impl>(options(before));
  parallel::begin how;
  how.ranks = spawn_ranks();
  how.record = system_->spawn<scribe_impl, caf::detached>(
      recorded(place, before, settled_.parallel.sync, 1), conductor_);
  how.observers = spawn_observers(before);
  caf::scoped_actor self{*system_};
  account_.startup_seconds = monitoring::process_age();
  run_report report;
  forgetful forgets{signals};
  auto answered = ask(self.ptr(), conductor_, caf::infinite, how);
  signals.react([whom = conductor_] { send_anonymously(whom, interrupt{}); });
  answered.receive([&](run_report& answer) { report = std::move(answer); },
      [&](caf::error& why) {
        report.outcome = run_outcome::failed;
        report.why = std::move(why);
      });
  say_how_it_ended(report);
  seal(self, how.record, report);
  account_.rule = report.rule;
  account_.promises_bits = report.promises_bits;
  account_.wall_seconds = monitoring::process_age();
  for (const auto& one : how.ranks)
    dismiss(one);
  for (const auto& one : how.observers)
    dismiss(one);
  dismiss(how.record);
  dismiss(std::exchange(conductor_, {}));
  await_end(self, how.observers);
  return report;
}

} // namespace troupe
