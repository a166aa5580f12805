#include "protocols/federated/decisions.hpp"

namespace troupe::federated {

const char* to_string(drop_reason why) noexcept {
  switch (why) {
  case drop_reason::none:
    return "none";
  case drop_reason::unknown:
    return "unknown";
  case drop_reason::duplicate:
    return "duplicate";
  case drop_reason::late:
    return "late";
  case drop_reason::too_stale:
    return "too_stale";
  }
  return "invalid";
}

const char* to_string(ending how) noexcept {
  switch (how) {
  case ending::completed:
    return "completed";
  case ending::all_failed:
    return "all_failed";
  case ending::starved:
    return "starved";
  }
  return "invalid";
}

} // namespace troupe::federated
