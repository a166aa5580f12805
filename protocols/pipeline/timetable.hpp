#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocols/pipeline/plan.hpp"
#include "protocols/pipeline/work.hpp"

namespace troupe::pipeline {

using ticks = std::uint64_t; ///< of any length

/// What the work on one micro-batch takes at one chunk. Where it is not split,
/// a backward takes `backward + weight`.
struct costs {
  ticks forward = 1;
  ticks backward = 1;
  ticks weight = 0;
  ticks update = 0;   ///< a rank's, behind a step
  ticks transfer = 0; ///< an activation's or gradient's, beside the work

  friend bool operator==(const costs&, const costs&) = default;
};
ticks cost_of(const plan& x, const costs& at, work::kind what) noexcept;

/// From when to when.
struct box {
  ticks begin = 0;
  ticks end = 0;
  work what;

  friend bool operator==(const box&, const box&) = default;
};

/// What a pipeline does when, by rank.
struct timetable {
  struct row {
    std::vector<box> boxes; ///< one behind the other
    ticks busy = 0;
    std::uint64_t held = 0;     ///< traces, at most: activations of one chunk
    std::uint64_t kept = 0;     ///< gradients for weights, at most
    std::uint64_t together = 0; ///< both, at most
    std::uint64_t in_use = 0;   ///< credits behind it, at most, of all chunks

    friend bool operator==(const row&, const row&) = default;
  };

  ticks makespan = 0;
  std::vector<row> ranks;

  ticks idle(std::uint32_t rank) const noexcept {
    return makespan - ranks[rank].busy;
  }
  /// Idle part of the time of all ranks.
  double bubble() const noexcept;
  friend bool operator==(const timetable&, const timetable&) = default;
};

/// Each rank's `stage`, run on these times: what real ranks do if they take as
/// long. Which work waits for which is fixed by the plan, so that a plan that
/// has a list never stops for ever, whatever the times. Throws
/// `std::invalid_argument` for a plan with a fault, `std::logic_error` for one
/// without a list: there should be none.
timetable list_of(const plan& x, const costs& at = {});

/// One line a box, by rank and time.
std::string to_text(const timetable& x);

} // namespace troupe::pipeline
