#include "protocols/federated/decisions.hpp"

namespace troupe::federated {

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
