#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gpu/training/cohort.hpp"

namespace troupe::tests {

/// What a cohort does that trains nothing: it counts steps, and fails when told
/// to. The executable that links `scripted_cohort.cpp` has it in the place of
/// the real one.
struct cohort_script {
  /// Before an assignment is entered, a stretch is queued or a lane is taken;
  /// may throw.
  std::function<void(const training::assignment&)> on_enter;
  std::function<void(std::size_t lanes_at_work)> on_advance;
  std::function<void(const training::assignment&)> on_take;
  std::function<void()> on_score;
  std::function<void()> on_make;

  std::vector<std::string> log; ///< "enter 0 by 7", "advance 3", "take 0"
};

/// The script in force; its log is cleared with it.
cohort_script& script_of_cohorts();

} // namespace troupe::tests
