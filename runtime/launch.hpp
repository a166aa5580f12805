#pragma once

#include "runtime/cluster/listening.hpp"
#include "runtime/topology.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace troupe {

class interruption;

/// What a run is told that does not belong to its topology.
struct run_options {
  std::filesystem::path out{}; ///< empty: runs/<name>-<time>
  bool resume = false;
  bool quiet = false;
  std::string metrics{}; ///< HOST:PORT, or empty
  cluster::listening cluster{};
};

/// Runs to the end and answers with the exit code: 0, 1, 2 or 130. Errors for
/// people go to stderr.
int execute(const topology& what, const run_options& how);
/// The same where signals are heard already.
int execute(
    const topology& what, const run_options& how, interruption& signals);

/// For programs: runs `what` as told by the flags of `troupe run`, `--set`
/// included. Answers with the exit code.
int launch(const topology& what, int argc, char** argv);

/// The same for a topology that takes files to compose: what goes wrong in
/// `compose` is said like any other trouble, and `--help` does without it.
int launch(const std::function<topology()>& compose, int argc, char** argv);

} // namespace troupe
