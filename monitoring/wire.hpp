#pragma once

#include <cstdint>

namespace troupe::monitoring {

/// What bytes between two processes go through.
enum class wire : std::uint8_t {
  memory, ///< that both share
  tcp,    ///< in the clear
  tls,
  ucx, ///< in the clear, over what UCX has found
};
inline constexpr int wires = 4;

/// As seen from this process.
enum class direction : std::uint8_t { in, out };

constexpr const char* to_string(wire x) noexcept {
  switch (x) {
  case wire::memory:
    return "memory";
  case wire::tcp:
    return "tcp";
  case wire::tls:
    return "tls";
  case wire::ucx:
    break;
  }
  return "ucx";
}
constexpr const char* to_string(direction x) noexcept {
  return x == direction::in ? "in" : "out";
}

} // namespace troupe::monitoring
