#pragma once

#include <memory>
#include <thread>
#include <utility> // before Asio, which forgets it

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

namespace troupe::cluster {

/// A thread on which connections read, write and keep time. It ends with this,
/// and what is under way there is forgotten.
class io_thread {
public:
  io_thread() : thread_([this] { context_.run(); }) {}
  ~io_thread() {
    context_.stop();
    join();
  }
  io_thread(const io_thread&) = delete;
  io_thread& operator=(const io_thread&) = delete;

  /// Once its context was stopped.
  void join() {
    if (thread_.joinable())
      thread_.join();
  }
  boost::asio::io_context& context() noexcept { return context_; }

private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      busy_{context_.get_executor()};
  std::thread thread_;
};

} // namespace troupe::cluster
