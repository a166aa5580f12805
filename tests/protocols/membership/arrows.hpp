#pragma once

#include <optional>

#include "protocols/membership/decisions.hpp"
#include "protocols/membership/member.hpp"

namespace troupe::membership {

/// This may happen to somebody in that state; none: to nobody known.
inline bool follows(
    change::kind what, std::optional<state> from, bool superseded) {
  using kind = change::kind;
  switch (what) {
  case kind::joined:
    return !from;
  case kind::rejoined:
    return from && (superseded || !is_live(*from));
  case kind::readied:
    return from == state::joining;
  case kind::draining:
    return from == state::member;
  case kind::left:
  case kind::lost:
  case kind::superseded:
    return from && is_live(*from);
  }
  return false;
}

/// Where it leads.
inline state after(change::kind what, state from) {
  using kind = change::kind;
  switch (what) {
  case kind::joined:
  case kind::rejoined:
    return state::joining;
  case kind::readied:
    return state::member;
  case kind::draining:
    return state::draining;
  case kind::left:
    return state::left;
  case kind::lost:
    return state::lost;
  case kind::superseded:
    return from;
  }
  return from;
}

} // namespace troupe::membership
