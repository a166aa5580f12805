#pragma once

#include <cstdint>
#include <utility>

#include "monitoring/endpoint.hpp"

namespace troupe::monitoring {

/// A socket that listens at an endpoint. Of a name's addresses it takes the
/// first IPv4 one, else the first that this machine has; `[::]` hears IPv4 too.
class listening_socket {
public:
  /// Throws std::runtime_error that names host, port, cause and way out.
  explicit listening_socket(const endpoint& where);
  ~listening_socket();
  listening_socket(listening_socket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        port_(other.port_),
        v6_(other.v6_) {}
  listening_socket& operator=(listening_socket&&) = delete;

  std::uint16_t port() const noexcept { return port_; } ///< the real one
  bool is_v6() const noexcept { return v6_; }

  /// Hands the descriptor over to whoever closes it.
  int release() noexcept { return std::exchange(descriptor_, -1); }

private:
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
  bool v6_ = false;
};

} // namespace troupe::monitoring
