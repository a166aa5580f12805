#include "actors/federated/aggregator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/computing/guard.hpp"
#include "protocols/errc.hpp"

namespace troupe {
namespace {

constexpr std::size_t flush_size = 1024;
// Leases' times that a part of the test set may take.
constexpr int part_leases = 10;
// Ctrl-C promises an end within two seconds, and scores that are nearly there
// are worth a part of them.
constexpr duration longest_farewell = std::chrono::seconds{1};
constexpr duration last_scores = std::chrono::milliseconds{500};

bool is_done(run_outcome how) noexcept {
  return how == run_outcome::completed || how == run_outcome::target_reached;
}

publication::finish finish_of(run_outcome how) noexcept {
  if (how == run_outcome::failed)
    return publication::finish::failed;
  return how == run_outcome::completed ? publication::finish::completed
                                       : publication::finish::stopped;
}

std::string name_of_shard(std::size_t number, std::size_t of) {
  return of == 1 ? "shard" : fmt::format("shard {} of {}", number + 1, of);
}

} // namespace

aggregator_state::aggregator_state(
    aggregator::pointer self, aggregator_options options)
    : self_(self),
      options_(std::move(options)),
      quorum_({std::max(options_.nodes, options_.nodes_least),
          options_.nodes_least, options_.patience, options_.then}),
      facts_(options_.next_fact),
      rule_(std::move(options_.rule)),
      succession_(std::move(options_.switches)),
      configuration_(std::move(options_.configuration)),
      virtual_(std::move(options_.virtual_order)),
      bases_(std::move(options_.bases)),
      client_states_(options_.states),
      durable_states_(std::move(options_.states)),
      stored_(options_.header.sha256),
      parameters_(std::move(options_.parameters)),
      blocks_(std::move(options_.blocks)) {
  know_variate();
  met_ = std::move(options_.residents);
  durable_ = options_.header.version;
  self_->set_down_handler([this](caf::down_msg& what) { on(what); });
}

aggregator_state::~aggregator_state() {
  desk_.close(duration{}, now_);
  tell_to_stop();
}

aggregator::behavior_type aggregator_state::make_behavior() {
  start_ = clock_now(self_);
  return {
      [this](const begin& what) { return start(what); },
      [this](update& what) { on(what); },
      [this](failure& what) { on(what); },
      [this](const added& what) { on(what); },
      [this](const published& what) { on(what); },
      [this](const slot_scoring& what) { on(what); },
      [this](const scored& what) { on(what); },
      [this](const stored& what) { on(what); },
      [this](const storage_failed& what) { on(what); },
      [this](enrol& what) { on(what); },
      [this](const leave& what) { on(what); },
      [this](const lend& what) { return on_lend(what); },
      [this](const withdraw& what) { return on_withdraw(what); },
      [this](const change_rule& what) { return on_change(what); },
      [this](const facts::node_joined& what) { on(what); },
      [this](const facts::node_left& what) { on(what); },
      [this](const facts::node_changed& what) { on(what); },
      [this](const facts::node_serves& what) { on(what); },
      [this](const facts::fingerprint_mixed& what) { on(what); },
      [this](const facts::node_refused& what) { on(what); },
      [this](interrupt what) { on(what); },
      [this](tick what) { on(what); },
  };
}

// One reading of the clock serves all that a message brings about.
template <class What>
void aggregator_state::on(What&& what) {
  now_ = instant{clock_now(self_) - start_};
  if (stage_ == stage::ended)
    return;
  receive(what);
  go_on();
}

caf::result<slot_id> aggregator_state::on_lend(const lend& what) {
  if (is_ending())
    return caf::make_error(errc::stopped);
  now_ = instant{clock_now(self_) - start_};
  const auto slot = take_in(what);
  go_on();
  return slot;
}

caf::result<void> aggregator_state::on_withdraw(const withdraw& what) {
  if (what.slot >= slots_.size() || is_ending())
    return caf::make_error(errc::stopped);
  if (desk_.has_left(what.slot))
    return caf::unit;
  auto promise = self_->make_response_promise<void>();
  withdrawn_[what.slot] = promise;
  on(what);
  return promise;
}

caf::result<run_report> aggregator_state::start(const begin& what) {
  now_ = instant{clock_now(self_) - start_};
  stage_ = stage::running;
  crew_ = what.who;
  workers_.resize(options_.first_client);
  workers_.insert(workers_.end(), crew_->workers.begin(), crew_->workers.end());
  present_ = crew_->workers.size();
  slots_ = crew_->slots;
  promise_ = self_->make_response_promise<run_report>();
  report_.rule = options_.header.rule;
  watch_all();
  std::vector<gpu::device_kind> kinds;
  for (const auto& slot : slots_)
    kinds.push_back(slot.kind);
  desk_ = placement::desk{{std::move(kinds), options_.depth, options_.adding,
      options_.kinds, part_leases * options_.lease_time, options_.stop_grace}};
  if (!options_.trains)
    for (slot_id slot = 0; slot < slots_.size(); ++slot)
      desk_.spare(slot);
  settle_at_home();
  ledger_ = publication::ledger{crew_->shards.size(), options_.header.version,
      std::max<std::size_t>(crew_->edges.size(), 1)};
  know_bases();
  press_ = publication::press{{options_.header.version, bool{crew_->evaluator},
      options_.evaluate_every, options_.score_first, options_.target_accuracy,
      options_.checkpoint_every}};
  for (auto& said : options_.preface)
    std::visit([this](auto& x) { tell(std::move(x)); }, said.what);
  tell(facts::run_started{options_.header});
  for (std::size_t i = 0; i < options_.samples.size(); ++i)
    welcome(
        options_.first_client + static_cast<client_id>(i), options_.samples[i]);
  publication::orders todo;
  press_.start(now_, todo);
  follow(std::move(todo));
  go_on();
  return promise_;
}

// Each of them trains in one place, where nobody else does.
void aggregator_state::settle_at_home() {
  auto client = options_.first_client;
  for (const auto& home : crew_->homes) {
    desk_.add(home.kind, client++);
    slots_.push_back(home);
    watch(self_, home.who);
  }
  if (crew_->evaluator && !crew_->homes.empty())
    send(self_, crew_->evaluator, slots_lent{crew_->homes, false});
}

void aggregator_state::watch_all() {
  for (const auto& one : crew_->shards)
    watch(self_, one);
  for (const auto& edge : crew_->edges)
    for (const auto& one : edge)
      watch(self_, one);
  watch(self_, crew_->scribe);
  if (crew_->evaluator)
    watch(self_, crew_->evaluator);
  for (const auto& slot : slots_)
    if (slot.lane == 0) // the other lanes are the same actor
      watch(self_, slot.who);
  for (const auto& one : crew_->workers)
    watch(self_, one);
}

void aggregator_state::receive(interrupt) {
  stop({});
}

// A run that only waits for its last scores can be taken up for their sake.
void aggregator_state::stop(caf::error why) {
  if (is_ending() && report_.outcome == run_outcome::completed &&
      press_.scoring())
    report_.outcome = run_outcome::interrupted;
  end(run_outcome::interrupted, std::move(why));
  if (report_.outcome == run_outcome::interrupted)
    press_.bound_scores(now_ + last_scores);
}

void aggregator_state::receive(tick what) {
  if (!timer_.rang(self_, what.turn))
    return;
  look_after_desk();
  publication::orders todo;
  press_.wake(now_, todo);
  follow(std::move(todo));
  if (rule_wakes_at_ && now_ >= *rule_wakes_at_ && press_.is_open()) {
    rule_wakes_at_.reset();
    rule_.wake(now_, decisions_);
    carry_out();
  }
  if (waits_ && now_ >= waits_->until)
    end(run_outcome::failed, std::move(waits_->or_else));
  if (const auto how = quorum_.wake(now_); how && !is_ending())
    despair(*how);
  if (flush_at_ && now_ >= *flush_at_)
    flush();
}

bool aggregator_state::is_of_an_edge(const caf::actor_addr& who) const {
  return std::ranges::any_of(crew_->edges, [&](const auto& edge) {
    return std::ranges::any_of(
        edge, [&](const auto& one) { return one.address() == who; });
  });
}

// What the dead was at is waited for no more. A run that is done needs no
// shard.
void aggregator_state::receive(const caf::down_msg& what) {
  const auto why = text(what.reason);
  const auto fail = [&](const std::string& role) {
    end(run_outcome::failed,
        caf::make_error(
            errc::actor_died, fmt::format("the {} has died: {}", role, why)));
  };
  const auto& shards = crew_->shards;
  if (is_of_an_edge(what.source)) {
    press_.unmade();
    next_.reset();
    if (!is_ending())
      fail("edge");
    return;
  }
  const auto dead = std::ranges::find(
      shards, what.source, [](const auto& one) { return one.address(); });
  if (dead != shards.end()) {
    press_.unmade();
    next_.reset();
    if (!is_ending())
      fail(name_of_shard(
          static_cast<std::size_t>(dead - shards.begin()), shards.size()));
  } else if (what.source == crew_->scribe.address()) {
    press_.lose_storage();
    fail("scribe");
  } else if (crew_->evaluator && what.source == crew_->evaluator.address()) {
    const auto owed = !is_ending() || press_.scoring();
    publication::orders todo;
    press_.lose_scores(now_, todo);
    desk_.forget_parts(now_);
    follow(std::move(todo));
    if (owed)
      fail("evaluator");
  } else if (!bury_slots(what.source, what.reason)) {
    bury_clients(what.source, why);
  }
}

// The first reason to end counts; later ones follow from it. But a run that
// comes to grief on its last stretch is not done.
void aggregator_state::end(run_outcome how, caf::error why) {
  const auto first = !is_ending();
  if (!first && !(is_done(report_.outcome) && how == run_outcome::failed))
    return;
  report_.outcome = how;
  report_.why = std::move(why);
  if (first) {
    stage_ = stage::ending;
    early_.clear();
    waiting_.clear();
    waits_.reset();
    desk_.close(longest_farewell, now_);
  }
  publication::orders todo;
  press_.end(finish_of(how), now_, todo);
  follow(std::move(todo));
}

// Behind every message: whoever can train does, and nothing is forgotten.
void aggregator_state::go_on() {
  take_turns();
  tell_to_stop(); // before its client is offered another lease
  if (!is_ending() && quorum_.holds()) {
    seat_all();
    look_for_slots();
  }
  if (facts_.size() >= flush_size)
    flush();
  settle();
  if (stage_ == stage::ended)
    return;
  // A rule that a version is being made for is woken behind it.
  const auto rule = press_.is_open() ? rule_wakes_at_ : std::nullopt;
  const auto patience = waits_ ? std::optional{waits_->until} : std::nullopt;
  for (auto when : {flush_at_, desk_.due(), press_.due(), rule, patience,
           is_ending() ? std::nullopt : quorum_.due()})
    if (when)
      timer_.set_by(self_, start_ + when->time_since_epoch());
}

// Answers once nothing is under way any more.
void aggregator_state::settle() {
  if (stage_ != stage::ending || desk_.held() > 0 || !press_.idle())
    return;
  stage_ = stage::ended;
  report_.version = press_.version();
  report_.parameters = parameters_;
  report_.updates = rule_.accepted();
  report_.slots_lost = desk_.lost();
  report_.scored = press_.has_score();
  report_.final = last_score_;
  report_.best_version = press_.best_version();
  report_.best_accuracy = press_.best_accuracy();
  report_.training_seconds = seconds(last_publication_ - first_lease_);
  report_.promises_bits = options_.header.promises_bits;
  facts_.release();
  tell(facts::run_ended{to_string(report_.outcome),
      report_.why ? text(report_.why) : std::string{}, press_.version()});
  flush();
  promise_.deliver(std::move(report_));
}

// What is held is told soon, or once a shard has died.
void aggregator_state::flush() {
  flush_at_.reset();
  if (facts_.holds())
    flush_at_ = now_ + flush_after;
  if (facts_.size() == 0)
    return;
  auto batch = facts_.take();
  send(self_, crew_->scribe, batch);
  for (const auto& reader : crew_->observers)
    send(self_, reader, batch);
}

} // namespace troupe
