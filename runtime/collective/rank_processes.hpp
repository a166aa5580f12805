#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::collective {

/// This program, started again for each rank but the first, which this process
/// is. They die with it, and are killed at destruction.
class rank_processes {
public:
  /// `words` for each: its command line behind the program's name. Throws
  /// `std::system_error`.
  explicit rank_processes(const std::vector<std::vector<std::string>>& words);
  ~rank_processes();
  rank_processes(const rank_processes&) = delete;
  rank_processes& operator=(const rank_processes&) = delete;

  /// Waits for their ends; whether all of them ended with 0.
  bool wait();

private:
  std::vector<pid_t> ids_;
};

} // namespace troupe::collective
