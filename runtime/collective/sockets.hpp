#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "runtime/files/descriptor.hpp"

namespace troupe::collective {

using deadline = std::chrono::steady_clock::time_point;

/// An IPv4 address and a port.
struct endpoint {
  std::uint32_t host = 0; ///< in the network's order
  std::uint16_t port = 0; ///< in the network's order
};

/// "HOST:PORT", by name or number; throws `std::runtime_error`.
endpoint endpoint_of(const std::string& address);
std::string to_string(const endpoint& x);

/// Throws `std::system_error` that names the address.
descriptor listen_at(endpoint where);
endpoint own_end(int socket);
endpoint other_end(int socket);

/// Tries until it answers; none at the deadline.
std::optional<descriptor> dial(endpoint where, deadline until);
std::optional<descriptor> accept_one(int socket, deadline until);

/// All of it; false if the other end is gone, or at the deadline.
bool put(int socket, std::span<const std::byte> what, deadline until);
bool get(int socket, std::span<std::byte> what, deadline until);

/// Small messages go at once; where the peer is this host nothing is paced, if
/// the system allows "reno".
void tune(int socket);

} // namespace troupe::collective
