#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/topology.hpp"

namespace troupe {

class interruption;

/// What a node that joins a run is told; all of it is its own affair.
struct join_options {
  std::string at;        ///< HOST:PORT of the coordinator
  std::string tls;       ///< directory of certificates; empty: in the clear
  std::string name;      ///< empty: its certificate's, or one is given to it
  std::string data;      ///< directory; empty: where the run's data is
  bool resident = false; ///< the data is its own, and `name` its identity
  std::string
      state; ///< a resident's: directory; empty: "state" beside its data
  std::uint64_t slots = 0;          ///< 0: as many as suit this machine
  std::vector<std::string> devices; ///< empty: as for a run here
  double silence = 3.0;             ///< seconds until the coordinator is lost
  std::string metrics; ///< HOST:PORT to serve its figures at; empty: nowhere
  bool quiet = false;
};

/// Lends this machine to a run until it ends, the node is drained, or a signal
/// comes: the first one drains it, a second one ends it at once. Dials again,
/// with growing pauses, for as long as nobody answers, so that it may be
/// started before the coordinator and outlives its restart. `mine` is the
/// topology of a program that brings its own; without it the run's
/// configuration describes all. A resident trains one client, on data of its
/// own, and keeps what that keeps. Answers with the exit code: 0 done or
/// drained, 1 refused or failed, 130 interrupted.
int join(const join_options& how, const std::optional<topology>& mine,
    interruption& signals);

} // namespace troupe
