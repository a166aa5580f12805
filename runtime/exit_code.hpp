#pragma once

namespace troupe {

/// What a process answers with.
enum exit_code : int {
  done = 0,
  failed = 1,
  misused = 2, ///< wrong usage or configuration
  interrupted = 130,
};

} // namespace troupe
