#include "protocols/membership/decisions.hpp"

namespace troupe::membership {

const char* to_string(reason why) noexcept {
  switch (why) {
  case reason::other_version:
    return "other_version";
  case reason::other_configuration:
    return "other_configuration";
  case reason::other_fingerprint:
    return "other_fingerprint";
  case reason::identity_taken:
    return "identity_taken";
  case reason::full:
    return "full";
  case reason::closed:
    return "closed";
  case reason::stale_session:
    return "stale_session";
  case reason::other_data:
    return "other_data";
  case reason::other_build:
    return "other_build";
  case reason::to_be_lowered:
    return "to_be_lowered";
  }
  return "invalid";
}

const char* to_string(change::kind what) noexcept {
  switch (what) {
  case change::kind::joined:
    return "joined";
  case change::kind::readied:
    return "readied";
  case change::kind::draining:
    return "draining";
  case change::kind::left:
    return "left";
  case change::kind::lost:
    return "lost";
  case change::kind::rejoined:
    return "rejoined";
  case change::kind::superseded:
    return "superseded";
  }
  return "invalid";
}

} // namespace troupe::membership
