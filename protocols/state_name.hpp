#pragma once

#include <cstdint>

#include "protocols/ids.hpp"
#include "protocols/tensor.hpp"

namespace troupe {

/// Names what a resident keeps between its leases: values that never leave its
/// node. Unique over a run, and greater than those of before.
using state_name = tensor_id;
inline constexpr state_name no_state = 0;

/// Of the state that this lease's update left.
constexpr state_name state_left_by(lease_id lease) noexcept {
  return lease + 1;
}

/// In the place of a state of so many values that is at its client's node.
inline tensor state_elsewhere(state_name name, std::uint64_t count) {
  tensor result;
  result.id = name;
  result.count = count;
  return result;
}

} // namespace troupe
