#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gpu/random.hpp"
#include "tests/protocols/clocks/saved.hpp"
#include "tests/protocols/clocks/witness.hpp"

namespace troupe::clocks {

/// How much goes wrong: the chances of one event, in percent.
struct trouble {
  std::uint32_t events = 100; ///< before everything goes well
  std::uint32_t workers = 3;
  std::uint32_t duplicate = 10;
  std::uint32_t forgery = 3;
  std::uint32_t crash = 4;
  std::uint32_t join = 8;
  std::uint32_t save = 5;
  std::uint32_t restart = 1;
};

/// One random life of a rule: letters are delayed, doubled and forged, workers
/// die unnoticed and come back, everything starts again from a saved state;
/// then all goes well until everybody has come `further` steps on. A witness
/// looks on, and beside the rule goes one that was loaded from its bytes.
template <class Rule>
class history {
public:
  static constexpr step_id further = 5;

  history(std::uint64_t seed, std::uint64_t staleness, trouble with, Rule rule)
      : random_(seed, gpu::stream::user, 41),
        with_(with),
        rule_(std::move(rule)),
        witness_(staleness),
        machines_(with.workers) {}

  /// The first breach of a law, or nothing.
  std::string run() {
    for (auto i = with_.events; i > 0 && going(); --i)
      step();
    for (worker_id w = 0; w < machines_.size() && going(); ++w)
      if (!machines_[w])
        join(w);
    goal_ = rule_.slowest() + further;
    // Each step takes two letters, and each of those that are late no more.
    auto left = letters_.size() + machines_.size() * (most_ + further + 2) * 2;
    for (; left > 0 && going() && !letters_.empty(); --left)
      deliver(false);
    if (going() && rule_.slowest() < goal_)
      return "it stalls though everything goes well";
    return breach_.empty() ? witness_.breach() : breach_;
  }

  const witness& seen() const noexcept { return witness_; }

private:
  enum class kind { ask, finish, death };
  struct letter {
    kind what = kind::ask;
    turn of;
  };

  bool going() const { return breach_.empty() && witness_.breach().empty(); }
  bool happens(std::uint32_t percent) { return random_.below(100) < percent; }
  std::uint32_t any(std::size_t count) {
    return random_.below(static_cast<std::uint32_t>(count));
  }

  void step() {
    if (happens(with_.save))
      save_and_load();
    if (happens(with_.crash))
      crash(any(machines_.size()));
    else if (happens(with_.join))
      join(any(machines_.size()));
    else if (happens(with_.forgery))
      forge();
    else if (happens(with_.restart))
      restart();
    else
      deliver(happens(with_.duplicate));
  }

  // Does the same to the rule and to the one that was loaded.
  template <class Event>
  auto tell(Event event) {
    said_.clear();
    auto answer = event(rule_, said_);
    if (beside_) {
      decisions again;
      if (event(*beside_, again) != answer || again != said_)
        breach_ = "once saved and loaded it goes on otherwise";
    }
    return answer;
  }

  void heard() {
    witness_.decided(said_, rule_.slowest(), rule_.counted());
    for (const auto& each : said_.begun)
      if (machines_[each.what.worker] == each.what.life)
        letters_.push_back({kind::finish, each.what});
  }

  void join(worker_id worker) {
    const auto place = tell(
        [&](Rule& rule, decisions& out) { return rule.join(worker, out); });
    machines_[worker] = place.life;
    witness_.joined(worker, place);
    heard();
    ask(place);
  }

  // The rule hears of it at some time, or of the next life before.
  void crash(worker_id worker) {
    if (!machines_[worker])
      return;
    letters_.push_back({kind::death, {worker, *machines_[worker], 0}});
    machines_[worker].reset();
  }

  void ask(const turn& next) {
    most_ = std::max(most_, next.step);
    if (next.step < goal_)
      letters_.push_back({kind::ask, next});
  }

  void deliver(bool again) {
    if (letters_.empty())
      return;
    const auto at = any(letters_.size());
    const auto next = letters_[at];
    if (!again) {
      letters_[at] = letters_.back();
      letters_.pop_back();
    }
    receive(next);
  }

  void receive(const letter& x) {
    const auto& [worker, life, step] = x.of;
    if (x.what == kind::finish)
      return finish(x.of);
    if (x.what == kind::ask)
      witness_.asked(x.of, tell([&](Rule& rule, decisions& out) {
        return rule.ask(x.of, out);
      }));
    else
      witness_.died(worker, life,
          tell([&, who = worker, was = life](Rule& rule, decisions& out) {
            return rule.die(who, was, out);
          }));
    heard();
  }

  void finish(const turn& what) {
    const auto said = tell(
        [&](Rule& rule, decisions& out) { return rule.finish(what, out); });
    witness_.finished(what, said);
    heard();
    if (said.accepted() && machines_[what.worker] == what.life)
      ask({what.worker, what.life, what.step + 1});
  }

  void forge() {
    if (letters_.empty())
      return;
    auto forged = letters_[any(letters_.size())];
    if (forged.what == kind::death)
      return;
    switch (random_.below(4)) {
    case 0:
      forged.of.step += 1;
      break;
    case 1:
      forged.of.life += 1 + random_.below(3);
      break;
    case 2:
      forged.of.worker = static_cast<worker_id>(machines_.size());
      break;
    default: // before it has begun
      forged.what = kind::finish;
    }
    if (!is_true(forged))
      receive(forged);
  }

  bool is_true(const letter& x) const {
    return std::ranges::any_of(letters_,
        [&](const letter& y) { return x.what == y.what && x.of == y.of; });
  }

  void save_and_load() {
    Rule again;
    if (load(save(rule_), again))
      beside_ = std::move(again);
    else
      breach_ = "what was saved is not taken";
  }

  // Those who were there come back in any order, or not at all.
  void restart() {
    save_and_load();
    if (!beside_)
      return;
    beside_->resume(++incarnation_);
    rule_ = *beside_;
    witness_.resumed();
    for (auto& machine : machines_)
      machine.reset();
  }

  gpu::random_stream random_;
  trouble with_;
  Rule rule_;
  std::optional<Rule> beside_;
  witness witness_;
  decisions said_;
  std::vector<std::optional<life_id>> machines_; // the life that each is in
  std::vector<letter> letters_;
  step_id goal_ = Rule::unbounded;
  step_id most_ = 0;
  std::uint64_t incarnation_ = 0;
  std::string breach_;
};

} // namespace troupe::clocks
