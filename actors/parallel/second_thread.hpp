#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe::parallel {

/// Does one thing after the other beside the thread that it belongs to: a
/// rank's exchanges, while the rank computes. Begins with the first of them.
class second_thread {
public:
  second_thread() = default;
  ~second_thread();
  second_thread(const second_thread&) = delete;
  second_thread& operator=(const second_thread&) = delete;

  void post(std::function<void()> what);
  /// Until all that was posted is done. Throws what the first one threw; those
  /// behind it were not done.
  void wait();

private:
  void run();

  std::mutex guard_; ///< of what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> todo_;
  bool busy_ = false;
  bool over_ = false;
  std::exception_ptr failed_;
  std::thread thread_; ///< the last to be made
};

} // namespace troupe::parallel
