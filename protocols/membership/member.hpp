#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "protocols/membership/decisions.hpp"
#include "protocols/time.hpp"

namespace troupe::membership {

enum class state : std::uint8_t { joining, member, draining, left, lost };
inline constexpr std::size_t states = 5;

/// It has a session.
constexpr bool is_live(state at) noexcept {
  return at < state::left;
}

/// "joining" and so on.
const char* to_string(state at) noexcept;

/// What is known of an identity, whether it is there or gone.
struct member {
  node_id id = 0;
  std::string name{};
  std::string key{}; ///< never changes
  state at = state::joining;
  session_id session = 0; ///< its last one; 0: of another process's life
  epoch_id joined = 0;    ///< in which this session was let in
  epoch_id changed = 0;   ///< of what happened to it last
  instant since{};        ///< it is in this state
  instant heard{};        ///< last
  std::string build{};
  std::string fingerprint{};
  bool resident = false;
  std::uint32_t slots = 0;
  std::uint32_t rejoins = 0;
  std::string why{};  ///< it was lost; empty in any other state
  bool mixes = false; ///< it was ready with another fingerprint than the run's

  friend bool operator==(const member&, const member&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, state& x) {
  return f.apply([&x] { return static_cast<std::uint8_t>(x); },
      [&x](std::uint8_t value) {
        x = static_cast<state>(value);
        return value < states;
      });
}

template <class Inspector>
bool inspect(Inspector& f, member& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("name", x.name),
      f.field("key", x.key), f.field("at", x.at), f.field("session", x.session),
      f.field("joined", x.joined), f.field("changed", x.changed),
      f.field("since", x.since), f.field("heard", x.heard),
      f.field("build", x.build), f.field("fingerprint", x.fingerprint),
      f.field("resident", x.resident), f.field("slots", x.slots),
      f.field("rejoins", x.rejoins), f.field("why", x.why),
      f.field("mixes", x.mixes));
}

} // namespace troupe::membership
