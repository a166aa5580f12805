#include "actors/parallel/conductor.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "protocols/errc.hpp"

namespace troupe::parallel {
namespace {

run_outcome outcome_of(ended::how what) noexcept {
  switch (what) {
  case ended::how::completed:
    return run_outcome::completed;
  case ended::how::target_reached:
    return run_outcome::target_reached;
  case ended::how::stopped:
    return run_outcome::interrupted;
  case ended::how::failed:
    break;
  }
  return run_outcome::failed;
}

// A node's end is told in words.
std::string why_it_ended(const caf::error& reason) {
  if (reason == errc::node_lost || reason == errc::node_left)
    return text(reason);
  return "it has died: " + text(reason);
}

} // namespace

conductor_state::conductor_state(
    conductor::pointer self, conductor_options options)
    : self_(self),
      options_(std::move(options)),
      rule_(options_.how, options_.from, options_.header.incarnation),
      facts_(options_.next_fact),
      stored_(options_.header.sha256) {
  rule_.knows_best(options_.header.best_version, options_.header.best_accuracy);
  self_->set_down_handler([this](caf::down_msg& what) { on_down(what); });
}

conductor::behavior_type conductor_state::make_behavior() {
  start_ = clock_now(self_);
  return {
      [this](const convened& what) { on(what); },
      [this](const mustered& what) { on(what); },
      [this](const advanced& what) { on(what); },
      [this](const assessed& what) { on(what); },
      [this](const handed& what) { on(what); },
      [this](const broken& what) { on(what); },
      [this](const begin& what) { return start(what); },
      [this](const seated& what) { on(what); },
      [this](const rank_gone& what) { on(what); },
      [this](const stored& what) { on(what); },
      [this](const storage_failed& what) { on(what); },
      [this](const facts::node_joined& what) { note(what); },
      [this](const facts::node_left& what) { note(what); },
      [this](const facts::node_changed& what) { note(what); },
      [this](const facts::node_serves& what) { note(what); },
      [this](const facts::node_refused& what) { note(what); },
      [this](const facts::fingerprint_mixed& what) { note(what); },
      [this](interrupt what) { on(what); },
      [this](const tick& what) { on(what); },
  };
}

// One reading of the clock serves all that a message brings about.
template <class What>
void conductor_state::on(What&& what) {
  now_ = instant{clock_now(self_) - start_};
  if (!promise_.pending())
    return;
  receive(what);
  flush();
  arm();
}

void conductor_state::arm() {
  if (const auto when = rule_.alarm())
    timer_.set_by(self_, start_ + when->time_since_epoch());
}

// Of nodes, for the record; of a run that is over nothing is told.
template <class Fact>
void conductor_state::note(const Fact& what) {
  now_ = instant{clock_now(self_) - start_};
  if (!promise_.pending())
    return;
  tell(Fact{what});
  flush();
}

caf::result<run_report> conductor_state::start(const begin& what) {
  now_ = instant{clock_now(self_) - start_};
  promise_ = self_->make_response_promise<run_report>();
  record_ = what.record;
  observers_ = what.observers;
  watch(self_, record_);
  report_.rule = options_.header.rule;
  report_.promises_bits = options_.header.promises_bits;
  for (auto& said : options_.preface)
    std::visit([this](auto& x) { tell(std::move(x)); }, said.what);
  tell(facts::run_started{options_.header});
  first_ = published_ = now_;
  for (const auto& one : what.ranks)
    seat({one, {}, 0});
  decisions said;
  rule_.begin(now_, said);
  follow(std::move(said));
  flush();
  arm();
  return promise_;
}

// A node's ranks are one actor.
void conductor_state::seat(place where) {
  const auto number = next_seat_++;
  if (where.lane == 0)
    watch(self_, where.who);
  const auto local = where.node.empty();
  seats_[number] = std::move(where);
  decisions said;
  rule_.sit(number, local, now_, said);
  follow(std::move(said));
}

void conductor_state::receive(const seated& what) {
  seat({what.who, what.node, what.lane});
}

void conductor_state::receive(const rank_gone& what) {
  unseat(what.who.address(), what.why);
}

void conductor_state::unseat(
    const caf::actor_addr& who, const std::string& why) {
  std::vector<seat_id> gone;
  for (const auto& [number, where] : seats_)
    if (where.who.address() == who)
      gone.push_back(number);
  decisions said;
  rule_.leave(gone, why, now_, said);
  follow(std::move(said));
  for (const auto number : gone)
    seats_.erase(number);
}

void conductor_state::on_down(const caf::down_msg& what) {
  now_ = instant{clock_now(self_) - start_};
  if (!promise_.pending())
    return;
  if (what.source == record_.address()) {
    decisions said;
    rule_.fail("the scribe has died", said);
    follow(std::move(said));
  } else {
    unseat(what.source, why_it_ended(what.reason));
  }
  flush();
  arm();
}

template <class Answer>
void conductor_state::receive(const Answer& what) {
  decisions said;
  rule_.hear(what, now_, said);
  follow(std::move(said));
}

void conductor_state::receive(const stored& what) {
  tell(facts::stored{what.version, what.sha256, what.seconds,
      std::exchange(stored_, what.sha256)});
  decisions said;
  rule_.stored(what.version, said);
  follow(std::move(said));
}

void conductor_state::receive(const storage_failed& what) {
  decisions said;
  rule_.fail(what.why, said);
  follow(std::move(said));
}

void conductor_state::receive(interrupt) {
  decisions said;
  rule_.stop(now_, said);
  follow(std::move(said));
}

void conductor_state::receive(const tick& what) {
  if (!timer_.rang(self_, what.turn))
    return;
  decisions said;
  rule_.wake(now_, said);
  follow(std::move(said));
}

void conductor_state::follow(decisions&& said) {
  for (const auto& one : said)
    std::visit([this](const auto& x) { follow(x); }, one);
}

void conductor_state::follow(const order& what) {
  const auto at = seats_.find(what.seat);
  if (at == seats_.end())
    return;
  auto said = what.what;
  if (auto* first = std::get_if<convene>(&said))
    first->lane = at->second.lane;
  std::visit([&](const auto& x) { send(self_, at->second.who, x); }, said);
}

void conductor_state::follow(const formed& what) {
  tell(facts::mesh_formed{what.epoch, what.seats.size(), what.step,
      seconds(what.took), seating(what.seats), what.why});
}

void conductor_state::follow(const stretch& what) {
  report_.steps += what.last - what.first;
  report_.step_seconds += what.sums.seconds;
  report_.compute_seconds += what.sums.cpu_seconds;
  const auto samples = what.sums.samples;
  tell(facts::stepped{what.first, what.last, what.sums.epoch, what.ranks,
      options_.how.batch * (what.last - what.first),
      samples > 0 ? what.sums.loss / static_cast<double>(samples) : 0.0,
      what.sums.seconds, what.sums.computing, what.sums.bytes});
}

void conductor_state::follow(const version& what) {
  facts::published fact;
  fact.version = what.step;
  fact.round = what.step;
  fact.updates = what.samples;
  fact.total_updates = options_.updates = options_.how.batch * what.step;
  fact.loss = what.loss;
  fact.seconds = seconds(now_ - std::exchange(published_, now_));
  tell(std::move(fact));
  told_[what.step] = {facts_.last(), options_.updates, what.scored};
}

void conductor_state::follow(const score& what) {
  report_.compute_seconds += what.cpu_seconds;
  tell(facts::evaluated{what.step, what.sums.samples, what.sums.loss(),
      what.sums.accuracy(), seconds(what.took)});
}

void conductor_state::follow(const keep& what) {
  flush();
  told_.erase(told_.begin(), told_.lower_bound(what.step));
  const auto& told = told_[what.step];
  store all;
  all.version = what.step;
  all.parameters = rule_.held().parameters;
  all.blocks = rule_.held().blocks;
  all.fact_number = told.fact;
  all.updates = told.samples;
  all.will_be_scored = told.scored && rule_.scored() < what.step;
  all.promises_bits = options_.header.promises_bits;
  send(self_, record_, std::move(all));
}

void conductor_state::follow(const lost& what) {
  const auto at = seats_.find(what.seat);
  tell(facts::rank_lost{what.epoch, what.rank, what.step,
      at == seats_.end() ? std::string{} : at->second.node, what.why});
}

void conductor_state::follow(const waits& what) {
  if (what.wanted > 0)
    tell(facts::waiting{"ranks", what.have, what.wanted});
  else
    tell(facts::went_on{"ranks"});
}

void conductor_state::follow(const ended& what) {
  report_.outcome = outcome_of(what.what);
  if (!what.why.empty())
    report_.why = caf::make_error(errc::learner_failed, what.why);
  report_.version = rule_.held().step;
  report_.parameters = rule_.held().parameters;
  report_.updates = options_.updates;
  report_.scored =
      rule_.scored() == report_.version && rule_.last_score().samples > 0;
  report_.final = rule_.last_score();
  report_.best_version = rule_.best_step();
  report_.best_accuracy = rule_.best_accuracy();
  report_.training_seconds = seconds(published_ - first_);
  tell(facts::run_ended{to_string(report_.outcome), what.why, report_.version});
  flush();
  promise_.deliver(std::move(report_));
}

template <class Fact>
void conductor_state::tell(Fact&& what) {
  facts_.add(now_, std::forward<Fact>(what));
}

void conductor_state::flush() {
  if (facts_.size() == 0 || !record_)
    return;
  const auto batch = facts_.take();
  send(self_, record_, batch);
  for (const auto& one : observers_)
    send(self_, one, batch);
}

// "this process: 2, b: 1"
std::string conductor_state::seating(const std::vector<seat_id>& seats) const {
  std::map<std::string, int> ranks;
  for (const auto seat : seats)
    if (const auto at = seats_.find(seat); at != seats_.end())
      ++ranks[at->second.node];
  std::string result;
  for (const auto& [node, count] : ranks)
    result += fmt::format("{}{}: {}", result.empty() ? "" : ", ",
        node.empty() ? "this process" : node, count);
  return result;
}

} // namespace troupe::parallel
