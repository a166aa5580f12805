#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cluster/x509.hpp"

namespace troupe::cluster {

/// A certificate and the private key that goes with it.
struct credential {
  certificate shown;
  private_key key;
};

/// What a certificate is to say.
struct subject {
  std::string name;               ///< common name, and one of the hosts
  std::vector<std::string> hosts; ///< addresses and names of machines
  std::chrono::sys_seconds until;
};

/// Why `text` can be no machine's name or address; empty: it can.
std::string no_host(std::string_view text);

/// A new authority, which signs certificates and lists of revocations. Keys are
/// of the curve P-256.
credential new_authority(std::chrono::sys_seconds until);
/// A new key with its certificate for both ends of TLS, signed by `authority`.
/// Ends when the authority does, if not before.
credential new_certificate(const credential& authority, const subject& whose);

} // namespace troupe::cluster
