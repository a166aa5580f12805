#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "protocols/clocks/ssp.hpp"
#include "tests/protocols/clocks/least_squares.hpp"

namespace troupe::clocks {

/// How a run goes in virtual time.
struct schedule {
  worker_id workers = 4;
  step_id steps = 100; ///< of each worker
  double rate = 0.05;
  /// Ticks that a step takes; none: its worker dies in it.
  std::function<std::optional<std::uint64_t>(worker_id, step_id)> takes;
  /// And ticks before it asks for one; not given: none.
  std::function<std::uint64_t(worker_id, step_id)> rests{};
};

/// A parameter server and its workers, trained by SGD in virtual time: the rule
/// says who begins and what is read, the server adds updates in the order of
/// steps and workers, whenever they came. Of one moment, all that is finished
/// is heard before anybody asks.
class simulation {
public:
  simulation(const least_squares& problem, ssp rule, schedule how)
      : problem_(problem),
        rule_(std::move(rule)),
        how_(std::move(how)),
        model_(problem.start()) {}

  /// The model when nobody is in a step any more.
  weights run() {
    decisions said;
    for (worker_id w = 0; w < how_.workers; ++w)
      rest(rule_.join(w, said));
    while (!asks_.empty() || !ends_.empty())
      next();
    fold(ssp::unbounded);
    return model_;
  }

  /// How far ahead of the slowest anybody began a step.
  std::uint64_t widest_gap() const noexcept { return widest_; }
  std::uint64_t ticks() const noexcept { return now_; }

private:
  struct update {
    std::uint64_t number = 0;
    weights delta;
  };
  struct first {
    bool operator()(const std::pair<std::uint64_t, turn>& a,
        const std::pair<std::uint64_t, turn>& b) const {
      return std::tuple{a.first, a.second.worker} <
             std::tuple{b.first, b.second.worker};
    }
  };
  using events = std::set<std::pair<std::uint64_t, turn>, first>;

  void next() {
    const bool end =
        asks_.empty() ||
        (!ends_.empty() && ends_.begin()->first <= asks_.begin()->first);
    auto& from = end ? ends_ : asks_;
    const auto [when, who] = *from.begin();
    from.erase(from.begin());
    now_ = when;
    decisions said;
    if (!end)
      rule_.ask(who, said);
    else if (how_.takes(who.worker, who.step))
      finish(who, said);
    else
      rule_.die(who.worker, who.life, said);
    follow(said);
  }

  void finish(turn who, decisions& said) {
    auto& delta = deltas_.at(who.worker);
    const auto number = rule_.finish(who, said).number;
    open_[{who.step, who.worker}] = {number, std::move(delta)};
    if (++who.step < how_.steps)
      rest(who);
  }

  void rest(const turn& who) {
    const auto ticks = how_.rests ? how_.rests(who.worker, who.step) : 0;
    asks_.insert({now_ + ticks, who});
  }

  void follow(const decisions& said) {
    if (said.closed)
      fold(*said.closed);
    for (const auto& [who, sees] : said.begun) {
      widest_ = std::max(widest_, who.step - rule_.slowest());
      deltas_[who.worker] =
          problem_.update(who.worker, who.step, read(sees), how_.rate);
      const auto takes = how_.takes(who.worker, who.step);
      ends_.insert({now_ + takes.value_or(1), who});
    }
  }

  // What is closed stays in the model for good.
  void fold(step_id closed) {
    while (!open_.empty() && open_.begin()->first.first < closed) {
      add(model_, open_.begin()->second.delta);
      open_.erase(open_.begin());
    }
  }

  weights read(const view& sees) const {
    auto result = model_;
    for (const auto& [of, x] : open_)
      if (sees.reads(of.first, x.number))
        add(result, x.delta);
    return result;
  }

  const least_squares& problem_;
  ssp rule_;
  schedule how_;
  weights model_;
  std::map<std::pair<step_id, worker_id>, update> open_;
  std::map<worker_id, weights> deltas_; // of the steps that they are in
  events asks_, ends_;
  std::uint64_t now_ = 0;
  std::uint64_t widest_ = 0;
};

} // namespace troupe::clocks
