#pragma once

#include <functional>
#include <mutex>
#include <thread>

namespace troupe {

/// Hears SIGINT, SIGTERM and, unless it is ignored (nohup), SIGHUP, from its
/// construction to its destruction. The first of them
///
///     ends the process at once with exit code 130     there is nothing to lose
///       │ keep
///       ▼
///     is kept for the reaction to come                files are being written
///       │ react
///       ▼
///     brings about the reaction                       a run is under way
///
/// and later ones end it at once; but for SIGHUP, which comes twice when a
/// terminal is closed, and for what comes within a tenth of a second, which is
/// the same wish once more. At most one at a time.
class interruption {
public:
  interruption();
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  void keep();
  /// Calls `reaction` once, on a thread of its own, or here for a signal that
  /// was kept. Empty: signals are kept again. Follows `keep`.
  void react(std::function<void()> reaction);

private:
  void watch();
  void call();

  std::mutex guard_;
  bool signalled_ = false;         // under guard_
  std::function<void()> reaction_; // under guard_
  std::thread watcher_;
};

} // namespace troupe
