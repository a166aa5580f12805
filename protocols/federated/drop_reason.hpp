#pragma once

#include <cstdint>

namespace troupe::federated {

/// Why an update did not count.
enum class drop_reason : std::uint8_t {
  none,
  unknown,   ///< no such lease was ever handed out, or not to this client
  duplicate, ///< this lease has already counted
  late,      ///< the lease ended: its round closed, or it was given up
  too_stale, ///< more versions behind than max_staleness
  too_large, ///< its norm is beyond the bound
};
const char* to_string(drop_reason why) noexcept;

} // namespace troupe::federated
