#include "protocols/pipeline/work.hpp"

#include <array>
#include <cstddef>

namespace troupe::pipeline {

const char* to_string(work::kind what) noexcept {
  constexpr std::array names{"forward", "backward", "weight", "update"};
  return names[static_cast<std::size_t>(what)];
}

const char* to_string(drop_reason why) noexcept {
  constexpr std::array names{"none", "unknown", "duplicate"};
  return names[static_cast<std::size_t>(why)];
}

} // namespace troupe::pipeline
