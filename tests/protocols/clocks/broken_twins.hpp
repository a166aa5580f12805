#pragma once

#include <utility>

#include "protocols/clocks/ssp.hpp"

/// Rules with one fault each. The witness of a history has to find every one.
namespace troupe::clocks::broken {

/// Lets a worker go one step too far ahead.
struct runs_ahead : ssp {
  runs_ahead() = default;
  explicit runs_ahead(std::uint64_t staleness) : ssp(staleness + 1) {}
};

/// Whoever is dead holds everybody up.
struct waits_for_the_dead : ssp {
  using ssp::ssp;

  bool die(worker_id worker, life_id life, decisions& out) {
    const auto clock = ssp::clock(worker);
    ++paces_[clock];
    const bool news = ssp::die(worker, life, out);
    if (!news && --paces_[clock] == 0)
      paces_.erase(clock);
    return news;
  }
};

/// Forgets to look who may go on when somebody dies.
struct releases_nobody_at_a_death : ssp {
  using ssp::ssp;

  bool die(worker_id worker, life_id life, decisions& out) {
    const auto waiting = waiting_;
    waiting_.clear();
    const bool news = ssp::die(worker, life, out);
    waiting_ = waiting;
    waiting_.erase({clock(worker), news ? worker : ~worker_id{0}});
    return news;
  }
};

/// Releases one of those who may go on.
struct releases_one : ssp {
  using ssp::ssp;

  verdict finish(const turn& what, decisions& out) {
    const auto said = ssp::finish(what, out);
    while (out.begun.size() > 1) {
      const auto [worker, life, step] = out.begun.back().what;
      workers_.at(worker).at = state::waiting;
      waiting_.emplace(step, worker);
      out.begun.pop_back();
    }
    return said;
  }
};

/// Lets whoever joins start at the beginning.
struct starts_at_zero : ssp {
  using ssp::ssp;

  turn join(worker_id worker, decisions& out) {
    auto place = ssp::join(worker, out);
    auto& x = workers_.at(worker);
    if (--paces_[x.clock] == 0)
      paces_.erase(x.clock);
    ++paces_[x.clock = 0];
    place.step = 0;
    return place;
  }
};

/// Forgets what a worker did in an earlier life, and has it do it again.
struct forgets_its_own_clock : ssp {
  using ssp::ssp;

  bool die(worker_id worker, life_id life, decisions& out) {
    const bool news = ssp::die(worker, life, out);
    if (news)
      workers_.at(worker).clock = 0;
    return news;
  }
};

/// Counts what it is told twice.
struct counts_twice : ssp {
  using ssp::ssp;

  verdict finish(const turn& what, decisions& out) {
    const auto said = ssp::finish(what, out);
    if (said.why == drop_reason::duplicate)
      return {drop_reason::none, counted_++};
    return said;
  }
};

/// Counts what comes after its worker's death was told.
struct counts_the_dead : ssp {
  using ssp::ssp;

  verdict finish(const turn& what, decisions& out) {
    const auto said = ssp::finish(what, out);
    if (said.why == drop_reason::late)
      return {drop_reason::none, counted_++};
    return said;
  }
};

/// Shows whatever is in, whoever has to see the same.
struct shows_a_clock_early : ssp {
  using ssp::ssp;

  drop_reason ask(const turn& what, decisions& out) {
    const auto said = ssp::ask(what, out);
    for (auto& each : out.begun)
      each.sees.before = counted_;
    return said;
  }
};

/// Shows nothing but what is complete.
struct hides_what_is_in : ssp {
  using ssp::ssp;

  drop_reason ask(const turn& what, decisions& out) {
    const auto said = ssp::ask(what, out);
    for (auto& each : out.begun)
      each.sees.before = 0;
    return said;
  }
};

/// Does not say that a clock is closed when a death has closed it.
struct closes_in_silence : ssp {
  using ssp::ssp;

  bool die(worker_id worker, life_id life, decisions& out) {
    const bool news = ssp::die(worker, life, out);
    out.closed.reset();
    return news;
  }
};

/// Begins its lives again in a new process.
struct lives_again : ssp {
  using ssp::ssp;

  void resume(std::uint64_t) {
    ssp::resume(0);
    lives_ = 0;
  }
};

/// Forgets who waits when it is saved.
struct forgets_who_waits : ssp {
  using ssp::ssp;

  template <class Inspector>
  friend bool inspect(Inspector& f, forgets_who_waits& x) {
    const bool done = inspect(f, static_cast<ssp&>(x));
    if constexpr (Inspector::is_loading)
      for (auto& [step, worker] : std::exchange(x.waiting_, {}))
        x.workers_.at(worker).at = state::idle;
    return done;
  }
};

} // namespace troupe::clocks::broken
