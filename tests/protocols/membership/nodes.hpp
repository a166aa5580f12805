#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "protocols/membership/membership.hpp"

namespace troupe::membership {

constexpr instant at(int t) {
  return instant{std::chrono::seconds{t}};
}

inline options here() {
  return {.version = "1",
      .configuration = "c0",
      .fingerprint = "cpu",
      .devices = "cpu",
      .wanted = 2,
      .silence = std::chrono::seconds{3}};
}

/// One that fits.
inline candidate node(
    std::string name, session_id session, std::string key = "k") {
  return {std::move(name), std::move(key), session, "1", "r1", "c0", "cpu"};
}

/// With "a", "b"... ready under sessions 1, 2...
inline membership with(std::size_t members, options how = here()) {
  membership result{std::move(how)};
  for (std::size_t i = 0; i < members; ++i) {
    result.knock(node(std::string(1, char('a' + i)), i + 1), at(0));
    result.ready(i + 1, {1, "cpu"}, at(0));
  }
  result.take_changes();
  return result;
}

} // namespace troupe::membership
