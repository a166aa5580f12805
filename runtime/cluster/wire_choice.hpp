#pragma once

#include <string>

namespace troupe::cluster {

/// What the bytes between two processes may go through, beside the connection
/// itself. `TROUPE_WIRE` in the environment of each of them says so:
///
///     (unset)    memory on one host; UCX where the machine has RDMA devices,
///                and over these alone
///     ucx        UCX first of all, over whatever UCX_TLS leaves
///     ucx-clear  the same for a connection under TLS too: UCX does not encrypt
///     tcp        the connection alone
struct wire_choice {
  bool memory = true;
  bool ucx = false;
  bool ucx_first = false;  ///< before memory
  bool beside_tls = false; ///< UCX, where the connection is under TLS
  std::string transports; ///< of UCX, as in UCX_TLS; none: those that it leaves

  /// Another value than those above counts as none.
  static wire_choice of_environment();
};

} // namespace troupe::cluster
