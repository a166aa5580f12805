#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "protocols/clocks/decisions.hpp"

namespace troupe::clocks {

/// Stale synchronous parallel SGD on a parameter server (Ho et al. 2013, SSP).
/// A worker's *clock* is the number of steps that it has finished:
///
///     join ──► idle ──ask──► waiting ──nobody is too far behind──► running
///       ▲       ▲ │            │                                   │ │
///       │       └─┼────────────┼─────────── finish: clock + 1 ─────┘ │
///       │         └────────────┴──────► dead ◄───────────────────────┘
///       └────────────────────────────────┘
///
/// It begins step c as soon as it has asked and every living worker has
/// finished step c - s - 1: the step that anybody is in is never more than s
/// ahead of the slowest living clock. It reads all updates of the steps before
/// c - s, its own and, for s > 0, whatever else is in. With s = 0 a clock's
/// updates become visible together: bulk synchronous parallel (Valiant 1990,
/// BSP). Unbounded it never waits: asynchronous (Recht et al. 2011, Dean et al.
/// 2012, ASP).
///
/// A worker that joins, or comes back, starts at the slowest living clock, or
/// at its own where that is further on; with nobody there, the slowest clock
/// stays where it was until one of those who came since has asked. So it never
/// falls, nobody does a step twice, and the updates of steps before it are
/// complete. What a worker handed in before its death counts; the step that it
/// was in does not, and nobody waits for it.
///
/// A value: knows no clock on the wall, file or actor. The slowest worker that
/// asks never waits, so nothing stalls while one is there.
class ssp {
public:
  static constexpr auto unbounded = std::numeric_limits<std::uint64_t>::max();

  /// `staleness` is s.
  explicit ssp(std::uint64_t staleness = 0) noexcept : staleness_(staleness) {}

  /// Begins a life; one that it had has ended, its step with it. Answers with
  /// the step that it is to ask for.
  turn join(worker_id worker, decisions& out);
  /// This life is over. False, and nothing happens, if it was before.
  bool die(worker_id worker, life_id life, decisions& out);
  /// The worker wants to begin this step, its next one.
  drop_reason ask(const turn& what, decisions& out);
  /// It has finished this step and handed its update in.
  verdict finish(const turn& what, decisions& out);
  /// After loading, in a process where nobody is there: everybody is dead at
  /// once. `incarnation` counts starts of the run, so that no life comes again.
  void resume(std::uint64_t incarnation);

  std::uint64_t staleness() const noexcept { return staleness_; }
  /// Of the living, or of those who were there last.
  step_id slowest() const noexcept { return slowest_; }
  /// Updates that count.
  std::uint64_t counted() const noexcept { return counted_; }
  /// Steps that it has finished, or passed over while it was away.
  step_id clock(worker_id worker) const noexcept;
  bool living(worker_id worker) const noexcept;

  template <class Inspector>
  friend bool inspect(Inspector& f, ssp& x) {
    if constexpr (Inspector::is_loading)
      x = ssp{};
    if (!f.object(x).fields(f.field("staleness", x.staleness_),
            f.field("slowest", x.slowest_), f.field("counted", x.counted_),
            f.field("lives", x.lives_), f.field("workers", x.workers_)))
      return false;
    if constexpr (Inspector::is_loading)
      return x.index();
    return true;
  }

protected:
  enum class state : std::uint8_t { dead, idle, waiting, running };

  struct record {
    state at = state::dead;
    life_id life = 0;
    step_id clock = 0;

    template <class Inspector>
    friend bool inspect(Inspector& f, record& x) {
      return f.object(x).fields(
          f.field(
              "at", [&x] { return static_cast<std::uint8_t>(x.at); },
              [&x](std::uint8_t value) {
                x.at = static_cast<state>(value);
                return x.at <= state::running;
              }),
          f.field("life", x.life), f.field("clock", x.clock));
    }
  };

  bool may_begin(step_id step) const noexcept;
  view sight(step_id step) const noexcept;
  drop_reason reason_to_drop(const turn& what) const;
  void leave(worker_id worker, record& x);
  void settle(decisions& out);
  bool index();

  std::uint64_t staleness_ = 0;
  step_id slowest_ = 0;
  std::uint64_t counted_ = 0;
  life_id lives_ = 0; // the last one
  std::map<worker_id, record> workers_;

  // What follows is told by the workers.
  std::map<step_id, std::uint64_t> paces_; // of the living: how many are there
  std::set<std::pair<step_id, worker_id>> waiting_;
};

} // namespace troupe::clocks
