#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe::clocks {

using worker_id = std::uint32_t;
using life_id = std::uint64_t; ///< of one worker, from a join to its death
using step_id = std::uint64_t; ///< a worker's steps, from 0 up

/// A step of a worker, in one of its lives.
struct turn {
  worker_id worker = 0;
  life_id life = 0;
  step_id step = 0;

  friend bool operator==(const turn&, const turn&) = default;
};

/// Which updates a worker reads before a step: all of the steps before `below`,
/// and of the others those numbered below `before`. It says so for good: the
/// set is complete when it is named, so a recorded one repeats what was read.
struct view {
  step_id below = 0;
  std::uint64_t before = 0;

  constexpr bool reads(step_id step, std::uint64_t number) const noexcept {
    return step < below || number < before;
  }
  friend bool operator==(const view&, const view&) = default;
};

/// A worker may begin this step.
struct permission {
  turn what;
  view sees;

  friend bool operator==(const permission&, const permission&) = default;
};

/// Why what a worker sent changes nothing.
enum class drop_reason : std::uint8_t {
  none,
  unknown,   ///< no such worker or life, or a step that it has not come to
  duplicate, ///< it was heard before
  late,      ///< that life is over
};
const char* to_string(drop_reason why) noexcept;

/// What becomes of an update.
struct verdict {
  drop_reason why = drop_reason::none;
  std::uint64_t number = 0; ///< of the update, in order of arrival

  bool accepted() const noexcept { return why == drop_reason::none; }
  friend bool operator==(const verdict&, const verdict&) = default;
};

/// What a rule wants done, in this order; events append to it.
struct decisions {
  /// No update of an earlier step counts any more: those may be folded into the
  /// model.
  std::optional<step_id> closed;
  std::vector<permission> begun; ///< by step, then by worker

  void clear() { *this = {}; }
  friend bool operator==(const decisions&, const decisions&) = default;
};

} // namespace troupe::clocks
