#pragma once

#include <cstddef>
#include <span>

namespace troupe::gpu {

/// Several updates of one size, each wherever it was made on the stream's
/// device: nothing has to be gathered into a matrix first.
using updates = std::span<const std::span<const float>>;

/// How many updates an operator that compares them value by value takes: their
/// addresses are one kernel's arguments.
inline constexpr std::size_t updates_limit = 256;

/// The values of each. Throws `std::invalid_argument` that names the update
/// whose size differs from the first one's.
std::size_t common_size(updates of);

/// Throws `std::invalid_argument` if there are none or more than
/// `updates_limit`, and says which `operation` could not take them.
void expect_few(updates of, const char* operation);

} // namespace troupe::gpu
