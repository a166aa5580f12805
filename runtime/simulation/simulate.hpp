#pragma once

#include <filesystem>
#include <iosfwd>
#include <stop_token>

#include "runtime/topology.hpp"

namespace troupe::simulation {

/// What a simulation is told that does not belong to its topology.
struct options {
  std::filesystem::path out{}; ///< empty: runs/<name>-<time>
  bool quiet = false;
};

/// Where a simulation speaks.
struct voice {
  std::ostream& out;
  std::ostream& err;
};

/// Simulates `what`, which goes by a virtual clock, in this thread, and leaves
/// a directory as a run does. Answers with the exit code: 0, 1, 2 or 130.
int simulate(const topology& what, const options& how, const voice& to,
    std::stop_token stop = {});

} // namespace troupe::simulation
