#include "protocols/collective/decisions.hpp"

namespace troupe::collective {

const char* to_string(refusal why) noexcept {
  switch (why) {
  case refusal::stale_incarnation:
    return "stale_incarnation";
  case refusal::device_taken:
    return "device_taken";
  case refusal::given_up:
    return "given_up";
  }
  return "invalid";
}

const char* to_string(trouble why) noexcept {
  switch (why) {
  case trouble::none:
    return "none";
  case trouble::lost:
    return "lost";
  case trouble::restarted:
    return "restarted";
  case trouble::init_timeout:
    return "init_timeout";
  case trouble::mismatch:
    return "mismatch";
  case trouble::operation_timeout:
    return "operation_timeout";
  case trouble::failed:
    return "failed";
  case trouble::regrouping:
    return "regrouping";
  case trouble::superseded:
    return "superseded";
  case trouble::left:
    return "left";
  }
  return "invalid";
}

const char* to_string(drop_reason why) noexcept {
  switch (why) {
  case drop_reason::none:
    return "none";
  case drop_reason::old_epoch:
    return "old_epoch";
  case drop_reason::duplicate:
    return "duplicate";
  case drop_reason::unknown:
    return "unknown";
  }
  return "invalid";
}

} // namespace troupe::collective
