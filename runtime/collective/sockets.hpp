#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/collective/stream_channel.hpp"
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

/// The end of every wait: a time, a wish, or the end of one of some sockets,
/// whoever is waited for.
struct bounds {
  deadline until;
  std::stop_token stop{};
  std::vector<int> lines{};

  bounds sooner(std::chrono::milliseconds most) const;
};

/// `bounds::stop` was asked for: within 50 ms a wait throws this.
class called_off : public std::runtime_error {
public:
  called_off() : std::runtime_error("it was called off") {}
};
/// One of `bounds::lines` ended.
class line_ended : public std::runtime_error {
public:
  explicit line_ended(int socket)
      : std::runtime_error("a connection ended"), socket_(socket) {}
  int socket() const noexcept { return socket_; }

private:
  int socket_;
};

/// Whether the socket is ready for that (poll(2)) before the time is over.
bool ready(int socket, short events, const bounds& within);

/// Tries until it answers; none when the time is over.
std::optional<descriptor> dial(endpoint where, const bounds& within);
std::optional<descriptor> accept_one(int socket, const bounds& within);

/// All of it; false if the other end is gone, or the time is over.
bool put(
    stream_channel& to, std::span<const std::byte> what, const bounds& within);
bool get(stream_channel& from, std::span<std::byte> what, const bounds& within);

/// Small messages go at once; where the peer is this host nothing is paced, if
/// the system allows "reno".
void tune(int socket);

} // namespace troupe::collective
