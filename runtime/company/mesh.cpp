#include "runtime/company/mesh.hpp"

#include <algorithm>
#include <utility>

#include "monitoring/process_stat.hpp"
#include "runtime/company/closing.hpp"
#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/parallel/local_room.hpp"
#include "runtime/parallel/ranks.hpp"
#include "runtime/parallel/wired_room.hpp"
#include "runtime/record/claim.hpp"
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
      room_(make_room()) {
  if (how.cluster.nodes > 0 || how.cluster.quorum > 0)
    throw misuse("--min-nodes and --quorum count the nodes of a federation: a "
                 "mesh begins with parallel.workers ranks, whoever has them, "
                 "and goes on with parallel.min_workers");
  const auto ranks = own_ranks();
  const auto part = static_cast<double>(ranks) /
                    static_cast<double>(plan_.workers + plan_.servers());
  open({ranks, 1,
      part * mesh_memory(static_cast<double>(gpu::size(layout_)), settled_),
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
  if (cluster_)
    result.how.stands_still = from_seconds(how_.cluster.patience);
  result.how.then = how_.cluster.then;
  result.header = header(before, c.parallel.sync, c.run.steps);
  result.header.slots = plan_.workers + plan_.servers();
  result.header.batch = plan_.batch;
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

std::size_t mesh_company::own_ranks() const {
  const std::size_t wanted = plan_.workers + plan_.servers();
  if (how_.cluster.at.empty())
    return wanted;
  return devices_.trains ? std::min<std::size_t>(wanted, devices_.slots()) : 0;
}

// Nodes come to the host that this process listens at.
std::shared_ptr<parallel::meeting_room> mesh_company::make_room() const {
  const auto& at = how_.cluster;
  if (at.at.empty())
    return std::make_shared<parallel::local_room>();
  parallel::wired_room_options how{
      monitoring::endpoint::parse(at.at).host, "127.0.0.1"};
  how.by = parallel::mesh_wire_named(settled_.parallel.wire);
  if (!at.tls.empty())
    how.shows = [where = at.tls] { return collective::credentials_in(where); };
  return std::make_shared<parallel::wired_room>(std::move(how));
}

cluster::cluster_run mesh_company::as_a_cluster(const past& before) const {
  cluster::cluster_run result{to_toml(settled_), from_, account_.fingerprint,
      gpu::size(layout_), before.incarnation};
  result.ranks = {result.values, plan_.batch, what_.test_data().size()};
  return result;
}

run_report mesh_company::play(
    const run_directory& place, const past& before, interruption& signals) {
  conductor_ = system_->spawn<parallel::conductor_impl>(options(before));
  parallel::begin how;
  how.ranks = parallel::spawn_ranks(
      *system_, what_, settled_, devices_, own_ranks(), room_, conductor_)
                  .ranks;
  how.record = system_->spawn<scribe_impl, caf::detached>(
      recorded(place, before, settled_.parallel.sync, 1), conductor_);
  how.observers = spawn_observers(before);
  if (cluster_)
    how.observers.push_back(caf::actor_cast<observer>(
        cluster_->prepare(*system_, conductor_, as_a_cluster(before))));
  caf::scoped_actor self{*system_};
  account_.startup_seconds = monitoring::process_age();
  run_report report;
  forgetful forgets{signals};
  auto answered = ask(self.ptr(), conductor_, caf::infinite, how);
  signals.react([whom = conductor_] { send_anonymously(whom, interrupt{}); });
  if (cluster_)
    cluster_->open();
  answered.receive([&](run_report& answer) { report = std::move(answer); },
      [&](caf::error& why) {
        report.outcome = run_outcome::failed;
        report.why = std::move(why);
      });
  say_how_it_ended(report);
  seal(self, how.record, report);
  account_.rule = report.rule;
  account_.promises_bits = report.promises_bits;
  account_.of_mesh = true;
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
