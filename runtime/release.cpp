#include "runtime/release.hpp"

namespace troupe {

const char* release() noexcept {
  return TROUPE_VERSION;
}

} // namespace troupe
