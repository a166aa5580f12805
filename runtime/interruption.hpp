#pragma once

#include <functional>
#include <thread>

namespace troupe {

/// While one lives, the first SIGINT or SIGTERM calls `react` on a thread of
/// its own, and the second ends the process at once with exit code 130. At most
/// one at a time.
class interruption {
public:
  explicit interruption(std::function<void()> react);
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

private:
  std::thread watcher_;
};

} // namespace troupe
