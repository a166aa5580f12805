#include "protocols/clocks/decisions.hpp"

namespace troupe::clocks {

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
  }
  return "invalid";
}

} // namespace troupe::clocks
