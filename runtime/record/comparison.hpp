#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/record/kept_run.hpp"

namespace troupe {

/// Several runs side by side.
struct comparison {
  struct side {
    std::string name; ///< no other has it
    kept_run run;
    std::optional<history_row> last;    ///< scored; none: nothing was
    std::optional<history_row> best;    ///< the first of equals
    std::optional<history_row> reached; ///< the first at the target or above
    /// Its time up to there to that of the first run; none where one was
    /// simulated, whose seconds are virtual, and the other was not.
    std::optional<double> ratio;
    bool simulated = false;
  };
  /// A key whose values are not all one.
  struct difference {
    std::string key;
    std::vector<std::optional<std::string>> values; ///< TOML; none: not used
  };

  std::optional<double> target; ///< accuracy; none: no run was scored
  /// Every run goes by a virtual clock, and times to the target are its.
  bool on_virtual_clocks = false;
  std::vector<side> sides;
  std::vector<difference> differences;
};

/// When a version was out, on the clock that `what` compares by.
double time_of(const comparison& what, const history_row& row);

/// Compares `runs` by when they reached `target`; by default, the lowest of
/// their best accuracies, which each of them that was scored has reached.
comparison compared(
    std::vector<kept_run> runs, std::optional<double> target = {});

} // namespace troupe
