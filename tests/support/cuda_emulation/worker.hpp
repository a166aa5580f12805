#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe::cuda_emulation {

using work = std::function<void()>;

/// Something that happens once. Usable from any thread.
class mark {
public:
  void set();
  void wait() const { done_.wait(false); }
  bool done() const { return done_; }
  /// When it was set; once it is.
  std::chrono::steady_clock::time_point when() const { return when_; }

private:
  std::chrono::steady_clock::time_point when_;
  std::atomic<bool> done_ = false;
};

/// A thread that does what it is given, in that order and never at once:
/// unless somebody waits it hesitates, so that whoever forgot to wait sees
/// nothing done. Usable from any thread; finishes before it is destroyed.
class worker {
public:
  worker();
  ~worker();

  void push(work step);
  /// Returns when all that was pushed before is done.
  void wait();
  /// Whether nothing is left to do. Ends the hesitation.
  bool idle();

  /// Whether the calling thread is any worker's.
  static bool is_this_thread();

private:
  void run();

  std::mutex guard_;
  std::condition_variable wake_;
  std::deque<work> queue_;
  bool busy_ = false, hurried_ = false, ending_ = false;
  std::thread thread_;
};

} // namespace troupe::cuda_emulation
