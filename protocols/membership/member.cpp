#include "protocols/membership/member.hpp"

namespace troupe::membership {

const char* to_string(state at) noexcept {
  switch (at) {
  case state::joining:
    return "joining";
  case state::member:
    return "member";
  case state::draining:
    return "draining";
  case state::left:
    return "left";
  case state::lost:
    return "lost";
  }
  return "invalid";
}

} // namespace troupe::membership
