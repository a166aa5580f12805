#pragma once

#include <caf/type_id.hpp>

namespace troupe {

/// Each protocol file owns a block of 100 type ids at a fixed offset. Ids are
/// append-only within their block: nodes of different builds must agree.
constexpr caf::type_id_t type_id_block(int block) {
  return static_cast<caf::type_id_t>(caf::first_custom_type_id + 100 * block);
}

} // namespace troupe
