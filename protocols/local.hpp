#pragma once

#include <string>

#include <caf/error.hpp>
#include <caf/sec.hpp>

namespace troupe {

/// The body of `inspect` for messages that hold memory of this process. They
/// print as their name and refuse, by that name, to leave the process: what
/// must cross goes through a handle of its own.
template <class Inspector>
bool refuse_to_serialise(Inspector& f, const char* name) {
  f.emplace_error(caf::sec::unsafe_type,
      std::string{name} + " holds memory of this process and cannot leave it");
  return false;
}

} // namespace troupe
