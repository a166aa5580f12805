#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocols/collective/group.hpp"

namespace troupe::collective {

/// Does an operation on whole numbers, in or out of place, and says what is
/// wrong with the result at this rank; empty: nothing. `salt` makes values
/// differ between operations. A transfer is from every rank to the next.
std::string tried(
    group& on, const task& what, bool in_place, std::uint64_t salt);

} // namespace troupe::collective
