#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "protocols/ids.hpp"

namespace troupe::monitoring {

/// Knows which clients hold a lease. Each client holds one at most: a new one
/// replaces the one before. Constant time, 8 bytes a client, no hashing, since
/// leases come and go hundreds of thousands of times a second.
class lease_ledger {
public:
  void reset(std::uint64_t clients) {
    held_.assign(static_cast<std::size_t>(clients), nothing);
    outstanding_ = 0;
    present_ = clients;
  }

  void join() noexcept { ++present_; }
  /// Its lease, if it holds one, is void.
  void leave(client_id client) {
    if (client < held_.size() && held_[client] != nothing)
      end(client, held_[client]);
    present_ -= present_ > 0;
  }

  void begin(client_id client, lease_id lease) {
    if (client >= held_.size())
      held_.resize(client + std::size_t{1}, nothing);
    outstanding_ += held_[client] == nothing;
    held_[client] = lease;
  }

  /// Ends the lease if its client still holds it.
  void end(client_id client, lease_id lease) {
    if (client >= held_.size() || held_[client] != lease)
      return;
    held_[client] = nothing;
    --outstanding_;
  }

  std::uint64_t outstanding() const noexcept { return outstanding_; }
  std::uint64_t clients() const noexcept { return present_; }

private:
  static constexpr lease_id nothing = std::numeric_limits<lease_id>::max();

  std::vector<lease_id> held_; ///< by client
  std::uint64_t outstanding_ = 0;
  std::uint64_t present_ = 0;
};

} // namespace troupe::monitoring
