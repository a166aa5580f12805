#include "actors/federated/region.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "actors/federated/aggregator.hpp"
#include "actors/federated/shard.hpp"
#include "protocols/errc.hpp"
#include "protocols/evaluation.hpp"

namespace troupe {
namespace {

// A process has as many incarnations of its regions.
constexpr std::uint64_t leases_a_process = std::uint64_t{1} << 12;

caf::error stopped() {
  return caf::make_error(errc::stopped);
}

} // namespace

region_state::region_state(
    regional_aggregator::pointer self, region_options options)
    : self_(self), options_(std::move(options)) {}

region_state::~region_state() {
  dismiss_all();
}

regional_aggregator::behavior_type region_state::make_behavior() {
  return {
      [this](seated_offer& what) { take(what); },
      [this](const revoke& what) { stop(what.lease); },
      [this](const train_task& what) { stand_in(what); },
      [this](const evaluate_task& what) { // nothing is scored here
        send(self_, what.reply_to,
            evaluated_part{what.part, {}, 0.0, stopped()});
      },
      [this](const fact_batch& what) {
        for (const auto& each : *what.facts)
          account_.hear(each);
      },
      [this](const store& what) {
        made_ = what;
        send(self_, aggregator_, stored{what.version, {}, 0.0});
      },
      [](seal) {},
      [this](const tick& what) { call_time(what); },
  };
}

void region_state::take(seated_offer& what) {
  if (options_.elsewhere && what.on != options_.here)
    return send(self_, options_.elsewhere, std::move(what));
  turn_ = what.turn + 1;
  waiting_.push_back(std::move(what));
  if (stage_ == stage::idle)
    begin_next();
}

void region_state::stop(lease_id lease) {
  if (stage_ != stage::idle && at_.lease == lease) {
    revoked_ = true;
    if (stage_ == stage::running)
      send(self_, aggregator_, interrupt{});
    return;
  }
  const auto found = std::ranges::find(waiting_, lease, &seated_offer::lease);
  if (found == waiting_.end()) {
    if (options_.elsewhere)
      send(self_, options_.elsewhere, revoke{lease});
    return;
  }
  refuse(*found, stopped());
  waiting_.erase(found);
}

// Whoever leases it has buried it, and its turn is empty.
void region_state::stand_in(const train_task& what) {
  if (what.turn < turn_)
    return;
  turn_ = what.turn + 1;
  send(self_, what.reply_to, failure{options_.id, what.lease, stopped()});
}

void region_state::begin_next() {
  if (waiting_.empty())
    return;
  at_ = std::move(waiting_.front());
  waiting_.pop_front();
  stage_ = stage::opening;
  revoked_ = out_of_time_ = false;
  began_ = clock_now(self_);
  account_ = {};
  made_.reset();
  cpu_seconds_ = 0.0;
  if (at_.within.seconds > 0.0)
    timer_.set(self_, began_ + from_seconds(at_.within.seconds));
  auto state = at_.state.value();
  if (!state)
    return start({});
  ask(self_, options_.clerk, caf::infinite, unpack{std::move(state)})
      .then([this](region_memory& what) { start(std::move(what)); },
          [this](caf::error& why) { fail(std::move(why)); });
}

void region_state::start(region_memory what) {
  if (revoked_)
    return fail(stopped());
  auto how = plan(what);
  if (!what.rule.empty() && !how.rule.load(what.rule))
    return fail(caf::make_error(errc::storage_failed,
        std::string{"what the region keeps is no state of its rule"}));
  if (!what.rule.empty())
    how.rule.discard();
  how.rule.rounds(how.rule.round() + options_.rounds);
  how.header.rounds = how.rule.round() + options_.rounds;
  stage_ = stage::running;
  spawn(std::move(how));
  auto who = std::make_shared<crew>(options_.who);
  who->shards = shards_;
  who->scribe = self_;
  ask(self_, aggregator_, caf::infinite, begin{std::move(who)})
      .then([this](run_report& done) { close(done); },
          [this](caf::error& why) { fail(std::move(why)); });
  if (out_of_time_)
    send(self_, aggregator_, interrupt{});
}

aggregator_options region_state::plan(region_memory& what) {
  auto result = options_.like;
  result.parameters = at_.parameters;
  result.blocks = what.rule.empty()
                      ? initial_blocks(options_.server, at_.parameters->size())
                      : std::move(what.blocks);
  result.states = std::move(what.states);
  result.header.version = what.version;
  result.header.updates = what.updates;
  result.header.incarnation =
      result.header.incarnation * leases_a_process + leases_++;
  return result;
}

void region_state::spawn(aggregator_options how) {
  const auto parameters = how.parameters;
  const auto blocks = how.blocks;
  aggregator_ = self_->spawn<aggregator_impl>(std::move(how));
  for (shard_id i = 0; i < options_.shards; ++i)
    shards_.push_back(self_->spawn<shard_impl, caf::detached>(
        shard_options{parameters, blocks, options_.server, options_.credit,
            aggregator_, {}, i, options_.shards}));
}

// What it has by now is its update.
void region_state::call_time(const tick& what) {
  if (!timer_.rang(self_, what.turn) || stage_ == stage::idle)
    return;
  out_of_time_ = true;
  if (stage_ == stage::running)
    send(self_, aggregator_, interrupt{});
}

void region_state::close(const run_report& what) {
  cpu_seconds_ = what.compute_seconds;
  if (options_.slots_lost)
    *options_.slots_lost += what.slots_lost;
  const auto is_done =
      what.outcome == run_outcome::completed ||
      (what.outcome == run_outcome::interrupted && out_of_time_);
  if (revoked_)
    return fail(stopped());
  if (!is_done)
    return fail(what.why ? what.why
                         : caf::make_error(errc::all_failed,
                               std::string{"its region was interrupted"}));
  if (account_.versions() == 0 || !made_ || made_->version != what.version)
    return fail(caf::make_error(errc::all_failed,
        std::string{out_of_time_
                        ? "its region made no version within its time"
                        : "no round of its region had enough updates"}));
  stage_ = stage::closing;
  ask(self_, options_.clerk, caf::infinite,
      pack{what.parameters, at_.parameters,
          {made_->version, made_->updates, std::move(made_->rule),
              std::move(made_->blocks), std::move(made_->states)}})
      .then([this](packed& sum) { hand_in(sum); },
          [this](caf::error& why) { fail(std::move(why)); });
}

void region_state::hand_in(const packed& what) {
  if (revoked_)
    return fail(stopped());
  auto outcome = account_.outcome();
  outcome.partial = out_of_time_;
  send(self_, at_.reply_to,
      update{options_.id,
          {at_.lease, at_.base, outcome, seconds(clock_now(self_) - began_),
              cpu_seconds_, what.delta, what.largest, false, what.too_large,
              what.state}});
  finish();
}

void region_state::fail(caf::error why) {
  refuse(at_, revoked_ ? stopped() : std::move(why));
  finish();
}

void region_state::refuse(const seated_offer& what, caf::error why) {
  send(self_, what.reply_to, failure{options_.id, what.lease, std::move(why)});
}

void region_state::finish() {
  dismiss_all();
  stage_ = stage::idle;
  timer_.set(self_, std::nullopt);
  at_ = {};
  made_.reset();
  begin_next();
}

void region_state::dismiss_all() {
  if (aggregator_)
    caf::anon_send_exit(aggregator_, caf::exit_reason::user_shutdown);
  for (const auto& one : shards_)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  aggregator_ = aggregator{};
  shards_.clear();
}

} // namespace troupe
