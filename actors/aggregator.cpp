#include "actors/aggregator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/guard.hpp"
#include "protocols/errc.hpp"

namespace troupe {
namespace {

// Ctrl-C promises an end within two seconds, and scores that are nearly there
// are worth a part of them.
constexpr duration longest_farewell = std::chrono::seconds{1};
constexpr duration last_scores = std::chrono::milliseconds{500};

} // namespace

aggregator_state::aggregator_state(
    aggregator::pointer self, aggregator_options options)
    : self_(self),
      options_(std::move(options)),
      rule_(std::move(options_.rule)),
      facts_(options_.next_fact),
      slots_({}, 1),
      parameters_(std::move(options_.parameters)) {
  self_->set_down_handler(
      [this](caf::down_msg& what) { at_once().on_down(what); });
}

// Nobody is left to tell the learners.
aggregator_state::~aggregator_state() {
  for (auto& [lease, entry] : held_)
    entry.stop.request_stop();
}

aggregator::behavior_type aggregator_state::make_behavior() {
  start_ = clock_now(self_);
  return {
      [this](const begin& what) { return at_once().start(what); },
      [this](update& what) { at_once().receive(what); },
      [this](failure& what) { at_once().receive(what); },
      [this](const added& what) { at_once().receive(what); },
      [this](const refused& what) { at_once().receive(what); },
      [this](published& what) { at_once().receive(what); },
      [this](slot_scoring what) { at_once().receive(what); },
      [this](const scored& what) { at_once().receive(what); },
      [this](const stored& what) { at_once().receive(what); },
      [this](const storage_failed& what) { at_once().receive(what); },
      [this](interrupt) { at_once().stop_early(); },
      [this](tick what) {
        if (timer_.rang(self_, what.turn))
          at_once().on_tick();
      },
  };
}

// One reading of the clock serves all that a message brings about.
aggregator_state& aggregator_state::at_once() {
  now_ = instant{clock_now(self_) - start_};
  return *this;
}

caf::result<run_report> aggregator_state::start(const begin& what) {
  cast_ = what.who;
  promise_ = self_->make_response_promise<run_report>();
  std::vector<gpu::device_kind> kinds;
  for (const auto& slot : cast_->slots)
    kinds.push_back(slot.kind);
  slots_ = placement::slot_book{std::move(kinds), options_.depth};
  turns_.assign(cast_->slots.size(), 0);
  watch(self_, cast_->sums);
  watch(self_, cast_->book);
  if (cast_->judge)
    watch(self_, cast_->judge);
  for (const auto& slot : cast_->slots)
    if (slot.lane == 0) // the other lanes are the same actor
      watch(self_, slot.who);
  for (const auto& one : cast_->workers)
    watch(self_, one);
  for (auto& said : options_.preface)
    std::visit([this](auto& x) { tell(std::move(x)); }, said.what);
  version_ = options_.header.version;
  tell(options_.header);
  decide([this](auto& rule, auto& out) {
    for (std::size_t i = 0; i < options_.samples.size(); ++i)
      rule.join(static_cast<client_id>(i), options_.samples[i], now_, out);
  });
  if (options_.score_first)
    judge_version();
  paused_ = options_.score_first && options_.target_accuracy > 0.0;
  if (!paused_)
    begin_rule();
  return promise_;
}

void aggregator_state::begin_rule() {
  begun_ = true;
  decide([this](auto& rule, auto& out) {
    rule.begin(options_.header.incarnation, now_, out);
  });
  carry_out();
}

// A run that only waits for its last scores can be taken up for their sake.
void aggregator_state::stop_early() {
  if (ending_ && report_.outcome == run_outcome::completed && !judging_.empty())
    report_.outcome = run_outcome::interrupted;
  end(run_outcome::interrupted);
  if (report_.outcome != run_outcome::interrupted || judging_.empty())
    return;
  scores_until_ = now_ + last_scores;
  wake_by(*scores_until_);
}

// Nobody waits for what the dead was at.
void aggregator_state::on_down(const caf::down_msg& what) {
  if (told_)
    return;
  const auto why = text(what.reason);
  const auto fail = [&](const char* role) {
    end(run_outcome::failed,
        caf::make_error(
            errc::actor_died, fmt::format("the {} has died: {}", role, why)));
    settle();
  };
  if (what.source == cast_->sums.address()) {
    rounding_.reset();
    // A run that is done needs it no more.
    return ending_ ? settle() : fail("shard");
  }
  if (what.source == cast_->book.address()) {
    lose_storage();
    return fail("scribe");
  }
  if (cast_->judge && what.source == cast_->judge.address()) {
    const auto owed = !judging_.empty();
    lose_scores();
    return ending_ && !owed ? settle() : fail("evaluator");
  }
  if (!bury(what.source, why))
    lose_clients(what.source, why);
}

// The first reason to end counts; later ones follow from it. But a run that
// comes to grief on its last stretch is not done.
void aggregator_state::end(run_outcome how, caf::error why) {
  const auto done = report_.outcome == run_outcome::completed ||
                    report_.outcome == run_outcome::target_reached;
  if (told_ || (ending_ && !(done && how == run_outcome::failed)))
    return;
  report_.outcome = how;
  report_.why = std::move(why);
  if (std::exchange(ending_, true))
    return call_off_scores();
  options_.stop_grace = std::min(options_.stop_grace, longest_farewell);
  wake_by(now_ + options_.stop_grace);
  queues_.clear();
  early_.clear();
  for (auto& [lease, entry] : held_)
    revoke(lease);
  if (how == run_outcome::completed)
    judge_version();
  if (how == run_outcome::failed)
    call_off_scores();
  store_version();
  store_when_due();
  settle();
}

// Answers once nothing is under way any more.
void aggregator_state::settle() {
  bool failed = report_.outcome == run_outcome::failed;
  if (!ending_ || told_ || slots_.held() > 0 || !judging_.empty())
    return;
  if (!failed && (rounding_ || storing_))
    return;
  told_ = true;
  report_.version = version_;
  report_.parameters = parameters_;
  report_.updates = rule_.accepted();
  report_.slots_lost = slots_.lost();
  report_.scored = scored_version_ == version_;
  report_.final = last_score_;
  report_.training_seconds = seconds(last_publication_ - first_lease_);
  tell(facts::run_ended{to_string(report_.outcome),
      report_.why ? text(report_.why) : std::string{}, version_});
  flush();
  promise_.deliver(std::move(report_));
}

void aggregator_state::receive(update& what) {
  report_.compute_seconds += what.result.cpu_seconds;
  slots_.took(what.result.lease, what.result.seconds);
  if (!slots_.release(what.result.lease, now_))
    take_back(what.result.lease);
  held_.erase(what.result.lease);
  if (ending_)
    settle();
  else if (rounding_ || paused_)
    early_.push_back(std::move(what));
  else
    judge(what);
}

// A version's facts, and its stored state, end where those of the next begin:
// what comes while it is being made is judged behind it. What the shard could
// not add fails before it counts: which version a client's failure meets must
// not depend on when the shard comes upon it.
void aggregator_state::judge(update& what) {
  auto& [lease_of, base_of, outcome, took, cpu, delta, largest] = what.result;
  const auto lease = lease_of; // clang 14 captures no bindings
  const auto base = base_of;
  // A lease that has ended has no share: the rule drops its update.
  const auto share = rule_.share(lease);
  const auto most = gpu::most_admissible(share);
  if (share > 0.0 && largest > most) {
    fail(what.client, lease,
        caf::make_error(errc::update_not_finite,
            fmt::format("it diverged: a parameter changed by {:.3g}, and at "
                        "most {:.3g} can be summed exactly at this weight",
                largest, most)));
    return carry_out();
  }
  auto verdict = decide([&](auto& rule, auto& out) {
    return rule.arrive({lease, what.client, base}, now_, out);
  });
  if (verdict.accepted()) {
    tell(facts::accepted{lease, what.client, base, verdict.staleness,
        outcome.samples, outcome.steps, verdict.weight, verdict.share,
        outcome.loss, took});
    report_.steps += outcome.steps;
    open_.add(lease, what.client, verdict.weight, outcome.loss);
    ++unadded_;
    send(self_, cast_->sums,
        add{lease, what.client, std::move(delta), verdict.weight,
            verdict.share});
  } else {
    tell(facts::dropped{
        lease, what.client, base, verdict.why, verdict.staleness});
  }
  carry_out();
}

void aggregator_state::receive(failure& what) {
  bool expected = slots_.release(what.lease, now_);
  if (!expected)
    take_back(what.lease);
  held_.erase(what.lease);
  if (ending_) {
    settle();
    return;
  }
  // A stopped lease had ended before; the answer only frees its slot.
  if (expected && what.why != errc::stopped)
    fail(what.client, what.lease, what.why);
  carry_out();
}

void aggregator_state::fail(
    client_id client, lease_id lease, const caf::error& why) {
  tell_failed(client, lease, why);
  decide([&](auto& rule, auto& out) { rule.fail(lease, now_, out); });
}

void aggregator_state::tell_failed(
    client_id client, lease_id lease, const caf::error& why) {
  auto words = text(why);
  last_failure_ = fmt::format("client {}: {}", client, words);
  tell(facts::client_failed{lease, client, std::move(words), code(why)});
}

void aggregator_state::receive(const added& what) {
  unadded_ -= what.count;
  hand_out();
}

void aggregator_state::receive(const refused& what) {
  open_.retract(what.lease);
  tell_failed(what.client, what.lease,
      caf::make_error(errc::update_not_finite,
          fmt::format("the update was refused: {}", gpu::to_string(what.why))));
  decide([&](auto& rule, auto& out) { rule.retract(what.lease, now_, out); });
  carry_out();
}

void aggregator_state::carry_out() {
  auto todo = std::exchange(decisions_, {});
  for (auto lease : todo.revoked)
    revoke(lease);
  for (const auto& s : todo.skipped) {
    tell(facts::round_skipped{s.round, s.accepted, s.needed});
    open_.clear();
    send(self_, cast_->sums, discard{});
  }
  if (todo.publish) {
    rounding_ = todo.publish;
    send(self_, cast_->sums, publish{todo.publish->version});
  }
  if (const auto& x = todo.round_started)
    tell(facts::round_started{x->round, x->cohort, version_});
  for (auto& grant : todo.grants)
    queues_[options_.kinds.kind_of(grant.client)].push_back(
        {grant, parameters_});
  if (todo.wake)
    wake_by(*todo.wake);
  if (todo.end)
    end(*todo.end);
  hand_out();
}

void aggregator_state::end(federated::ending how) {
  const auto rounds = rule_.round();
  const auto because = [this](std::string_view what) {
    return last_failure_.empty()
               ? std::string{what}
               : fmt::format("{}; the last one, {}", what, last_failure_);
  };
  switch (how) {
  case federated::ending::completed:
    if (version_ > 0 || rounds == 0)
      return end(run_outcome::completed);
    return end(run_outcome::failed,
        caf::make_error(errc::all_failed,
            because("no round had enough updates for a version")));
  case federated::ending::all_failed:
    return end(
        run_outcome::failed, caf::make_error(errc::all_failed,
                                 because("all clients of a round failed")));
  case federated::ending::starved:
    return end(run_outcome::failed,
        caf::make_error(errc::starved, because("no client is left to train")));
  }
}

// Leases at slots and deltas at the shard share one bound on memory: one delta
// may be added while every slot works on another.
bool aggregator_state::has_room() const noexcept {
  return slots_.held() + early_.size() + unadded_ <
         options_.depth * slots_.alive() + options_.adding;
}

void aggregator_state::hand_out() {
  for (auto& [kind, queue] : queues_)
    hand_out(kind, queue);
  if (options_.lease_time.count() > 0 && slots_.held() > 0)
    wake_by(now_ + options_.lease_time);
}

// A kind of device whose slots are full holds up no other.
void aggregator_state::hand_out(
    gpu::device_kind kind, std::deque<queued>& queue) {
  while (!queue.empty() && !ending_ && has_room()) {
    auto& [grant, base] = queue.front();
    auto slot = slots_.claim(grant.lease, grant.client, kind, now_);
    if (!slot)
      break;
    if (first_lease_ == instant{})
      first_lease_ = now_;
    tell(facts::leased{grant.lease, grant.client, grant.base});
    auto& entry = held_[grant.lease];
    entry.turn = turns_[*slot]++;
    send(self_, cast_->workers[grant.client],
        offer{grant.lease, grant.base, std::move(base), cast_->slots[*slot].who,
            cast_->slots[*slot].lane, entry.turn, entry.stop.get_token()});
    queue.pop_front();
  }
}

} // namespace troupe
