#pragma once

#include <string>

#include "runtime/record/comparison.hpp"

namespace troupe::cli {

/// For people: a line a run, then the keys that differ, then what to know of
/// runs that have not come to their end.
std::string to_text(const comparison& what);

/// The same as one JSON object, with null for what is not there.
std::string to_json(const comparison& what);

} // namespace troupe::cli
