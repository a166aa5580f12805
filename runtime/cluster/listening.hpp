#pragma once

#include <cstddef>
#include <string>

#include "protocols/membership/quorum.hpp"

namespace troupe::cluster {

/// How a run is opened to other machines.
struct listening {
  std::string at{};             ///< HOST:PORT; empty: it is not
  std::string tls{};            ///< directory of certificates
  bool insecure = false;        ///< in the clear beyond this machine
  bool any_fingerprint = false; ///< lets in who may compute other bits
  std::size_t nodes = 0;        ///< that have to be there to begin
  std::size_t quorum = 0;       ///< that have to be there for new leases
  double silence = 3.0;         ///< seconds until a node is lost
  double preparation = 300.0;   ///< seconds that one has to be ready
  /// Seconds for which the run stands still for want of nodes or slots.
  double patience = 600.0;
  membership::resort then = membership::resort::fail; ///< for want of nodes
};

} // namespace troupe::cluster
