#include "monitoring/outlet.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

// A pipe takes this much as one piece; and it is seen to move in such steps.
constexpr std::size_t piece = 4096;

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

bool same_file(int one, int other) {
  struct stat a {};
  struct stat b {};
  return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

/// Signals are for other threads; a reader that has gone is an error here.
class without_signals {
public:
  without_signals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~without_signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  without_signals(const without_signals&) = delete;
  without_signals& operator=(const without_signals&) = delete;

private:
  sigset_t before_{};
};

} // namespace

struct outlet::state {
  explicit state(int which) : descriptor(which) {}

  const int descriptor;
  mutable std::mutex guard;
  std::condition_variable changed;
  std::deque<std::string> waiting; // all that follows is under guard
  std::size_t bytes = 0;           ///< in `waiting`
  std::uint64_t left_out = 0;      ///< lines that had to go
  std::uint64_t steps = 0;         ///< what the reader took, in pieces
  bool writing = false;
  bool started = false;
  bool closed = false;
  char last = '\n';

  bool idle() const { return waiting.empty() && !writing; }

  void keep(std::string text) {
    bytes += text.size();
    waiting.push_back(std::move(text));
    while (bytes > most_kept && waiting.size() > 1) {
      bytes -= waiting.front().size();
      left_out += lines_in(waiting.front());
      waiting.pop_front();
    }
  }

  std::string next() {
    std::string text;
    if (left_out > 0)
      text = fmt::format("{}({} left out: nobody read in time)\n",
          last == '\n' ? "" : "\n",
          counted(std::exchange(left_out, 0), "line"));
    text += waiting.front();
    bytes -= waiting.front().size();
    waiting.pop_front();
    return text;
  }

  // Its own thread's loop.
  void run() {
    std::unique_lock lock{guard};
    for (;;) {
      changed.wait(lock, [this] { return closed || !waiting.empty(); });
      if (waiting.empty())
        return;
      write_next(lock);
    }
  }

  void write_next(std::unique_lock<std::mutex>& lock) {
    const auto text = next();
    writing = true;
    lock.unlock();
    put(text);
    lock.lock();
    last = text.empty() ? last : text.back();
    writing = false;
    changed.notify_all();
  }

  void put(std::string_view text) {
    // What the program printed before by other ways comes before.
    if (descriptor == STDOUT_FILENO)
      std::fflush(stdout);
    while (!text.empty()) {
      const auto n =
          ::write(descriptor, text.data(), std::min(text.size(), piece));
      if (n > 0) {
        text.remove_prefix(static_cast<std::size_t>(n));
        std::lock_guard lock{guard};
        ++steps;
        changed.notify_all();
      } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        pollfd reader{descriptor, POLLOUT, 0};
        poll(&reader, 1, -1);
      } else if (n == 0 || errno != EINTR) {
        return;
      }
    }
  }
};

outlet::outlet(int descriptor) : state_(std::make_shared<state>(descriptor)) {}

outlet::~outlet() {
  std::lock_guard lock{state_->guard};
  state_->closed = true;
  state_->changed.notify_all();
}

void outlet::write(std::string text) {
  if (text.empty())
    return;
  std::unique_lock lock{state_->guard};
  state_->keep(std::move(text));
  if (!state_->started)
    try {
      const without_signals inherited;
      std::thread{[kept = state_] { kept->run(); }}.detach();
      state_->started = true;
    } catch (const std::system_error&) {
      // No thread is to be had: then this one waits for the reader.
      while (!state_->waiting.empty())
        state_->write_next(lock);
    }
  state_->changed.notify_all();
}

bool outlet::idle() const {
  std::lock_guard lock{state_->guard};
  return state_->idle();
}

bool outlet::settle(std::chrono::milliseconds most) {
  std::unique_lock lock{state_->guard};
  auto& s = *state_;
  const auto room = fcntl(s.descriptor, F_GETPIPE_SZ); // -1: no pipe
  if (!s.idle() && room > 0 && room < static_cast<int>(most_kept))
    fcntl(s.descriptor, F_SETPIPE_SZ, static_cast<int>(most_kept));
  while (!s.idle()) {
    const auto steps = s.steps;
    if (!s.changed.wait_for(
            lock, most, [&] { return s.idle() || s.steps != steps; }))
      return false;
  }
  return true;
}

int outlet_stream::buffer::sync() {
  to_->write(str());
  str({});
  return 0;
}

// They are never destroyed: their threads may still wait for a reader when the
// process ends.
outlet& standard_output() {
  static auto* const it = new outlet{STDOUT_FILENO};
  return *it;
}

outlet& standard_error() {
  static auto* const it = new outlet{STDERR_FILENO};
  return same_file(STDOUT_FILENO, STDERR_FILENO) ? standard_output() : *it;
}

bool settle_standard_outlets() {
  auto& out = standard_output();
  auto& err = standard_error();
  const bool heard = out.settle();
  return (&err == &out || err.settle()) && heard;
}

} // namespace troupe::monitoring
