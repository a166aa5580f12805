#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/collective/group.hpp"

namespace troupe::tests {

/// Does an operation on whole numbers, in or out of place, and says what is
/// wrong with the result at this rank; empty: nothing. `salt` makes values
/// differ between operations.
std::string tried(collective::group& on, const collective::task& what,
    bool in_place, std::uint64_t salt);

} // namespace troupe::tests
