#pragma once

namespace troupe::cluster {

/// Whether a node's clock may have said so; it is counted with.
constexpr bool is_time(double seconds) noexcept {
  return seconds >= 0.0 && seconds < 1e9; // NaN is not
}

} // namespace troupe::cluster
