#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "monitoring/endpoint.hpp"
#include "protocols/cluster/peer.hpp"
#include "protocols/cluster/registration.hpp"
#include "runtime/cluster/connection.hpp"
#include "runtime/cluster/line.hpp"

namespace troupe::cluster {

struct port_options {
  monitoring::endpoint where;
  /// Of each connection that is accepted; empty: in the clear.
  std::function<shared_tls()> tls;
  /// Whether a certificate's serial was revoked; empty: none is.
  std::function<bool(const std::string&)> revoked;
  connection_options connections;
  std::uint64_t most_bytes = 0;    ///< of a tensor that a node may send
  double max_norm = 0.0;           ///< of these; 0: any
  std::size_t most_greeting = 256; ///< connections that have not said who
  /// Bytes of nodes' tensors that are here and not worked off, at most, or one.
  std::uint64_t most_fetched = std::uint64_t{256} << 20;
};

/// Where nodes, their couriers and people who ask dial in: one port for all.
/// A connection first says what it is for, and gets no further before.
class port {
public:
  /// Who comes. On the port's own thread.
  struct visitors {
    /// A node; the line is to be listened to at once.
    std::function<void(const candidate&, std::shared_ptr<line>)> node;
    /// Somebody who asks; the answer ends the connection.
    std::function<void(const hello&, std::shared_ptr<cluster::asker>)> asker;
    /// Somebody at this address who got no further, and why.
    std::function<void(const std::string& who, const std::string& why)>
        turned_away;
  };

  /// Binds. Throws `std::runtime_error` that says why it cannot.
  explicit port(port_options how);
  ~port();
  port(const port&) = delete;
  port& operator=(const port&) = delete;

  void open(visitors who);
  /// Ends every session, and its thread: nobody comes any more.
  void close();
  /// As nodes may dial it.
  std::string text() const;

private:
  class desk;
  std::unique_ptr<desk> desk_;
};

} // namespace troupe::cluster
