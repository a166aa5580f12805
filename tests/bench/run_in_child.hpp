#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace troupe::bench {

/// What a run in a process of its own left behind.
struct child_run {
  int exit_code = 0;
  double peak_bytes = 0.0; ///< resident memory
  std::string summary;     ///< the text of its summary.json

  /// A number of the summary. Throws `std::runtime_error` without it.
  double figure(const char* key) const;
};

/// Calls `body` in a child process with an empty directory to run in, which is
/// removed afterwards.
child_run run_in_child(
    const std::function<int(const std::filesystem::path&)>& body);

} // namespace troupe::bench
