#include "protocols/federated/drop_reason.hpp"

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
  case drop_reason::too_large:
    return "too_large";
  }
  return "invalid";
}

} // namespace troupe::federated
