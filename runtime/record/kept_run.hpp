#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/configuration/configuration.hpp"
#include "runtime/files/files.hpp"
#include "runtime/record/history.hpp"
#include "runtime/record/run_directory.hpp"

namespace troupe {

/// What a run's directory tells of its course, whether the run is done, was
/// stopped or is under way. Plain values.
struct kept_run {
  std::filesystem::path directory;
  configuration config;
  std::vector<history_row> history; ///< scored versions, in order; maybe none
  /// As in summary.json, which a run has that came to its end; or "running"; or
  /// "unfinished", after an interruption, a failure or a kill.
  std::string outcome;
  version_id version = 0;    ///< the last that is known of
  std::uint64_t updates = 0; ///< accepted up to there
  double seconds = 0.0;      ///< of training, over all processes
};

/// A run's directory that does not tell it: a line a problem, each with its
/// place.
struct unreadable_run : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Reads `place`, which holds a run, and changes nothing there.
///
/// A summary that is older than the history is of an earlier end, and left out.
/// Throws `unreadable_run` and `file_error`.
kept_run read_kept_run(files& disk, const run_directory& place);

} // namespace troupe
