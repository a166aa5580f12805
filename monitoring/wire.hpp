#pragma once

#include <cstdint>

namespace troupe::monitoring {

/// What bytes between two processes go through.
enum class wire : std::uint8_t {
  memory, ///< that both share
  tcp,    ///< in the clear
  tls,
};
inline constexpr int wires = 3;

/// As seen from this process.
enum class direction : std::uint8_t { in, out };

constexpr const char* to_string(wire x) noexcept {
  return x == wire::memory ? "memory" : x == wire::tcp ? "tcp" : "tls";
}
constexpr const char* to_string(direction x) noexcept {
  return x == direction::in ? "in" : "out";
}

} // namespace troupe::monitoring
