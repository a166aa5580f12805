#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocols/clocks/decisions.hpp"

namespace troupe::clocks {

/// Watches a rule from outside, told of every event and answer, and keeps books
/// of its own in the plainest way. It holds the rule to these laws; the first
/// breach is kept as a sentence.
///
/// - The step that anybody is in is at most s ahead of every living worker's
///   clock.
/// - Whoever lives, has asked and may begin is not waiting.
/// - A step is begun once a life, by whoever asked, and is the worker's next.
/// - Before step c a worker reads all updates of steps before c - s and all of
///   its own; with s = 0 none of step c or later, else all that are in.
/// - What is closed is the slowest living clock: it never falls, is told as it
///   moves, and no update of a step before it counts any more.
/// - An update counts once, for a step that was begun in a life that is not
///   over, and then always; numbers follow each other, and lives are new.
/// - A worker that joins starts at the slowest clock, or its own if that is
///   further on.
class witness {
public:
  explicit witness(std::uint64_t staleness) : staleness_(staleness) {}

  // After the rule has answered; `decided` closes every event.
  void joined(worker_id worker, const turn& said);
  void died(worker_id worker, life_id life, bool said);
  void asked(const turn& what, drop_reason said);
  void finished(const turn& what, const verdict& said);
  void resumed();
  void decided(const decisions& said, step_id slowest, std::uint64_t counted);

  const std::string& breach() const noexcept { return breach_; }
  std::uint64_t begun() const noexcept { return begun_; }
  /// Times that somebody had to wait, or read something of a step that was not
  /// closed.
  std::uint64_t waits() const noexcept { return waits_; }
  std::uint64_t early_reads() const noexcept { return early_reads_; }

private:
  struct person {
    bool lives = false;
    bool asks = false;
    bool runs = false;
    life_id life = 0;
    step_id clock = 0;
  };
  struct update {
    worker_id worker = 0;
    step_id step = 0;
  };

  template <class... Parts>
  void expect(bool holds, const Parts&... parts);
  person* current(worker_id worker, life_id life);
  std::optional<step_id> least() const;
  bool may_begin(step_id step) const;
  void see(const permission& what);
  void see_reads(const permission& what);

  std::uint64_t staleness_;
  std::map<worker_id, person> people_;
  std::vector<update> updates_; // by number
  std::set<std::pair<worker_id, step_id>> done_;
  life_id last_life_ = 0;
  step_id slowest_ = 0;
  step_id told_ = 0;   // to be closed
  bool moves_ = false; // the slowest clock, in this event
  std::uint64_t begun_ = 0;
  std::uint64_t waits_ = 0;
  std::uint64_t early_reads_ = 0;
  std::string breach_;
};

} // namespace troupe::clocks
