#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// Starts this program again in this process, with the same arguments, so that
/// its CPU computes by a kernel set (gpu/kernel_sets.hpp) that
/// `gpu::can_compute_by` has. To be called before anything is written and while
/// nothing is under way that matters: no destructor runs. Throws
/// `std::system_error` where the system does not start it.
[[noreturn]] void restart_computing_by(std::string_view set);

/// The same where this process does not compute by the set yet. "own" asks for
/// nothing.
void compute_by(const std::string& set);

} // namespace troupe
