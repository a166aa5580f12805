#include "tests/support/cuda_emulation/worker.hpp"

#include <memory>
#include <utility>

namespace troupe::cuda_emulation {
namespace {

constexpr auto hesitation = std::chrono::microseconds{50};
thread_local bool works = false;

} // namespace

void mark::set() {
  when_ = std::chrono::steady_clock::now();
  done_ = true;
  done_.notify_all();
}

worker::worker() : thread_([this] { run(); }) {}

worker::~worker() {
  {
    std::lock_guard lock{guard_};
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void worker::push(work step) {
  {
    std::lock_guard lock{guard_};
    queue_.push_back(std::move(step));
  }
  wake_.notify_one();
}

void worker::wait() {
  auto reached = std::make_shared<mark>();
  {
    std::lock_guard lock{guard_};
    queue_.emplace_back([reached] { reached->set(); });
    hurried_ = true;
  }
  wake_.notify_one();
  reached->wait();
}

bool worker::idle() {
  std::lock_guard lock{guard_};
  hurried_ = true;
  wake_.notify_one();
  return queue_.empty() && !busy_;
}

bool worker::is_this_thread() {
  return works;
}

void worker::run() {
  works = true;
  std::unique_lock lock{guard_};
  while (true) {
    hurried_ = false;
    wake_.wait(lock, [this] { return !queue_.empty() || ending_; });
    wake_.wait_for(lock, hesitation, [this] { return hurried_ || ending_; });
    if (queue_.empty())
      return;
    for (busy_ = true; !queue_.empty();) {
      auto step = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      step();
      step = nullptr; // what it holds may call back
      lock.lock();
    }
    busy_ = false;
  }
}

} // namespace troupe::cuda_emulation
