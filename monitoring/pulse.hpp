#pragma once

#include <atomic>
#include <chrono>

namespace troupe::monitoring {

/// When somebody was last heard: told by one thread, asked by any.
class pulse {
public:
  using clock = std::chrono::steady_clock;

  explicit pulse(clock::time_point now = clock::now()) : last_(now) {}

  void felt(clock::time_point now) noexcept {
    last_.store(now, std::memory_order_relaxed);
  }
  clock::time_point last() const noexcept {
    return last_.load(std::memory_order_relaxed);
  }
  /// Seconds since then.
  double silence(clock::time_point now = clock::now()) const noexcept {
    return std::chrono::duration<double>(now - last()).count();
  }

private:
  std::atomic<clock::time_point> last_;
};

} // namespace troupe::monitoring
