#include "actors/parallel/second_thread.hpp"

#include <utility>

namespace troupe::parallel {

second_thread::~second_thread() {
  if (!thread_.joinable())
    return;
  {
    std::lock_guard lock{guard_};
    over_ = true;
    todo_.clear();
  }
  changed_.notify_all();
  thread_.join();
}

void second_thread::post(std::function<void()> what) {
  {
    std::lock_guard lock{guard_};
    todo_.push_back(std::move(what));
  }
  if (!thread_.joinable())
    thread_ = std::thread{[this] { run(); }};
  changed_.notify_all();
}

void second_thread::wait() {
  std::unique_lock lock{guard_};
  changed_.wait(lock, [this] { return todo_.empty() && !busy_; });
  if (failed_)
    std::rethrow_exception(std::exchange(failed_, nullptr));
}

void second_thread::run() {
  std::unique_lock lock{guard_};
  for (;;) {
    changed_.wait(lock, [this] { return over_ || !todo_.empty(); });
    if (over_)
      return;
    const auto what = std::move(todo_.front());
    todo_.pop_front();
    busy_ = true;
    lock.unlock();
    std::exception_ptr failed;
    try {
      what();
    } catch (...) {
      failed = std::current_exception();
    }
    lock.lock();
    busy_ = false;
    if (failed) {
      failed_ = failed;
      todo_.clear();
    }
    changed_.notify_all();
  }
}

} // namespace troupe::parallel
