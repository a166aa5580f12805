#pragma once

#include <cstddef>
#include <string>

namespace troupe::cluster {

/// How a run is opened to other machines.
struct listening {
  std::string at{};             ///< HOST:PORT; empty: it is not
  std::string tls{};            ///< directory of certificates
  bool insecure = false;        ///< in the clear beyond this machine
  bool any_fingerprint = false; ///< lets in who may compute other bits
  bool trains = true;           ///< here, too; else it sums and scores alone
  std::size_t nodes = 0;        ///< that have to be there to begin
  double silence = 3.0;         ///< seconds until a node is lost
  /// Seconds for which the run stands still for want of nodes or slots.
  double patience = 600.0;
};

} // namespace troupe::cluster
