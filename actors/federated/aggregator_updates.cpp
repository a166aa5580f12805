#include "actors/federated/aggregator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/computing/guard.hpp"
#include "protocols/errc.hpp"
#include "protocols/federated/why_it_ended.hpp"

// What becomes of updates: the rule's side.

namespace troupe {
namespace {

caf::error diverged(float largest, double weight) {
  return caf::make_error(errc::update_not_finite,
      fmt::format("it diverged: a parameter changed by {:.3g}, and at most "
                  "{:.3g} can be summed exactly at this weight",
          largest, gpu::most_admissible(weight)));
}

} // namespace

void aggregator_state::receive(update& what) {
  report_.compute_seconds += what.result.cpu_seconds;
  auto answer = desk_.answered(what.result.lease, what.result.seconds, now_);
  welcome_back(answer.returned);
  say_goodbye(answer.left);
  if (is_ending())
    return;
  const auto lease = what.result.lease;
  const auto took = from_seconds(what.result.seconds);
  hear(returned{
      std::move(what), std::move(answer.base), answer.work, lease, took});
}

// An update that no shard could add fails before it counts. One whose client's
// state was taken back meanwhile is made anew.
void aggregator_state::admit(returned& one) {
  const auto& what = one.what;
  const auto& trained = what.result;
  const auto& outcome = trained.outcome;
  // A lease that has ended has no share: the rule drops its update.
  const auto share = rule_.share(one.lease);
  const auto is_open = share > 0.0;
  if (is_open && !client_states_.holds(trained.lease, what.client)) {
    requeue(what.client, trained.lease, one.base);
    return carry_out();
  }
  if (virtual_)
    virtual_->end(one.lease);
  if (is_open &&
      ledger_.admission_of(trained.largest, share) != gpu::admission::added) {
    fail({what.client, trained.lease, diverged(trained.largest, share)},
        one.lease);
  } else if (is_open && trained.too_large) {
    drop_too_large(one);
  } else {
    count(one, rule_.arrive({one.lease, what.client, trained.base,
                                outcome.samples, outcome.steps, outcome.loss,
                                outcome.square_loss, one.took, outcome.partial},
                   heard_at(), decisions_));
  }
  carry_out();
}

// To the rule its client has failed. Its state stays as it was.
void aggregator_state::drop_too_large(const returned& one) {
  const auto& what = one.what;
  last_failure_ =
      fmt::format("; the last one, client {}: the norm of its update is above "
                  "federation.max_norm",
          what.client);
  tell(facts::dropped{what.result.lease, what.client, what.result.base,
      federated::drop_reason::too_large, 0});
  rule_.fail(one.lease, heard_at(), decisions_);
}

// That models are mixed is known once the rule has answered.
void aggregator_state::count(returned& one, const federated::verdict& how) {
  const auto& what = one.what;
  const auto& trained = what.result;
  const auto& outcome = trained.outcome;
  if (!how.accepted())
    return tell(facts::dropped{
        trained.lease, what.client, trained.base, how.why, how.staleness});
  const auto largest =
      how.mix ? ledger_.mixed(trained.largest, trained.base) : trained.largest;
  const auto most = std::max({how.weight, how.share, how.drift});
  if (ledger_.admission_of(largest, most) != gpu::admission::added) {
    tell_failed(what.client, trained.lease, diverged(largest, most));
    return rule_.retract(one.lease, heard_at(), decisions_);
  }
  tell_accepted({trained.lease, what.client, trained.base, how.staleness,
      outcome.samples, outcome.steps, how.weight, how.share, outcome.loss,
      trained.seconds, how.mix, trained.handed_in, one.work, 0, how.drift});
  report_.steps += outcome.steps;
  if (trained.state)
    client_states_.accepted(what.client, trained.state.value());
  tally_.add(trained.lease, what.client, how.weight, outcome.loss);
  succession_.accepted(one.took);
  give({trained.lease, what.client, trained.delta, how.weight, how.share,
           how.mix ? one.base : nullptr, how.drift},
      largest);
}

// At its client's edge, if there are edges.
void aggregator_state::give(const add& what, float largest) {
  if (crew_->edges.empty()) {
    ledger_.give(largest, what.weight, what.share);
    for (const auto& each : crew_->shards)
      send(self_, each, what);
    return;
  }
  const auto edge = crew_->edge_of[what.client - options_.first_client];
  ledger_.give(largest, what.weight, what.share, edge);
  for (const auto& each : crew_->edges[edge])
    send(self_, each, what);
}

void aggregator_state::receive(failure& what) {
  const auto answer = desk_.answered(what.lease, std::nullopt, now_);
  welcome_back(answer.returned);
  say_goodbye(answer.left);
  // A stopped lease had ended before; the answer only frees its slot.
  if (is_ending() || !answer.known || what.why == errc::stopped)
    return;
  hear(std::move(what));
}

void aggregator_state::fail(const failure& what, lease_id rules_id) {
  tell_failed(what.client, what.lease, what.why);
  rule_.fail(rules_id, heard_at(), decisions_);
}

void aggregator_state::tell_failed(
    client_id client, lease_id lease, const caf::error& why) {
  auto words = text(why);
  last_failure_ = fmt::format("; the last one, client {}: {}", client, words);
  tell(facts::client_failed{lease, client, std::move(words), code(why)});
}

// It is told once the shards have said what it added.
void aggregator_state::tell_accepted(facts::accepted what) {
  facts_.hold(now_, what);
  if (!flush_at_)
    flush_at_ = now_ + flush_after;
}

void aggregator_state::receive(const added& what) {
  for (auto checksum : ledger_.added(what.shard, what.checksums))
    facts_.summed(checksum);
}

void aggregator_state::carry_out() {
  for (auto lease : decisions_.revoked)
    give_up(lease, std::ranges::binary_search(decisions_.overdue, lease));
  for (const auto& s : decisions_.skipped) {
    tell(facts::round_skipped{s.round, s.accepted, s.needed});
    tally_.clear();
    succession_.discard();
    ledger_.discard();
    client_states_.discard();
    for (const auto& one : crew_->shards)
      send(self_, one, discard{});
    for (const auto& edge : crew_->edges)
      for (const auto& one : edge)
        send(self_, one, discard{});
  }
  if (const auto& plan = decisions_.publish) {
    plan_ = *plan;
    press_.ask();
    ledger_.round();
    next_ = std::make_shared<next_blocks>(parameters_->size(), blocks_.size());
    for (const auto& one : crew_->shards)
      send(self_, one,
          publish{plan->version, next_, plan->scale, plan->variate});
  }
  if (const auto& begun = decisions_.round_started)
    tell(facts::round_started{begun->round, begun->cohort, press_.version()});
  if (virtual_ && !decisions_.grants.empty())
    keep_base();
  for (const auto& grant : decisions_.grants)
    desk_.wait(virtual_ ? virtual_->begin(grant) : grant, parameters_);
  if (decisions_.wake && virtual_)
    virtual_->wake_at(*decisions_.wake);
  else if (decisions_.wake)
    rule_wakes_at_ = decisions_.wake;
  const auto how = decisions_.end;
  decisions_.clear();
  if (how)
    end(*how);
}

void aggregator_state::end(federated::ending how) {
  auto why = federated::why_it_failed(
      how, press_.version(), rule_.round(), last_failure_);
  if (how == federated::ending::starved)
    return await({"clients", present_, present_ + 1}, std::move(why));
  const auto outcome = why ? run_outcome::failed : run_outcome::completed;
  end(outcome, std::move(why));
}

} // namespace troupe
