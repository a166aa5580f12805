#include "protocols/run.hpp"

namespace troupe {

const char* to_string(run_outcome how) noexcept {
  switch (how) {
  case run_outcome::completed:
    return "completed";
  case run_outcome::target_reached:
    return "target_reached";
  case run_outcome::interrupted:
    return "interrupted";
  case run_outcome::failed:
    return "failed";
  }
  return "?";
}

} // namespace troupe
