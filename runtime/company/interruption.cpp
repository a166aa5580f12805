#include "runtime/company/interruption.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/company/room.hpp"
#include "runtime/exit_code.hpp"

namespace troupe {
namespace {

constexpr std::uint64_t signalled = 1;
constexpr std::uint64_t dismissed = std::uint64_t{1} << 32;
constexpr std::string_view farewell = "interrupted before the run began\n";

constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};

// A handler may touch nothing but these.
std::atomic<int> event_fd{-1};
std::atomic<bool> keeping{false};
std::atomic<bool> again{false};
std::atomic<std::int64_t> first_at{0}; // milliseconds of the system's clock

std::array<struct sigaction, signals.size()> before;

void wake(std::uint64_t why) {
  auto ignored = write(event_fd.load(), &why, sizeof why);
  static_cast<void>(ignored);
}

std::int64_t milliseconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// timeout(1) signals its child and then the whole group, so one wish may come
// twice.
bool is_echo() {
  return milliseconds_now() - first_at.load() < 100;
}

extern "C" void on_signal(int which) {
  if (!keeping) {
    // Whoever does not read holds up no end.
    pollfd reader{STDERR_FILENO, POLLOUT, 0};
    if (poll(&reader, 1, 0) <= 0)
      _exit(interrupted);
    auto ignored = write(STDERR_FILENO, farewell.data(), farewell.size());
    static_cast<void>(ignored);
    _exit(interrupted);
  }
  if (again.exchange(true)) {
    if (which == SIGHUP || is_echo())
      return;
    _exit(interrupted);
  }
  first_at = milliseconds_now();
  int error = errno;
  wake(signalled);
  errno = error;
}

void take_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    sigaction(signals[i], nullptr, &before[i]);
    if (signals[i] != SIGHUP || before[i].sa_handler != SIG_IGN)
      sigaction(signals[i], &action, nullptr);
  }
}

void give_signals_back() {
  for (std::size_t i = 0; i < signals.size(); ++i)
    sigaction(signals[i], &before[i], nullptr);
}

} // namespace

interruption::interruption() {
  expect_threads(1);
  event_fd = eventfd(0, EFD_CLOEXEC);
  if (event_fd < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
  keeping = again = false;
  watcher_ = std::thread{[this] { watch(); }};
  take_signals();
}

interruption::~interruption() {
  give_signals_back();
  wake(dismissed);
  watcher_.join();
  close(event_fd.exchange(-1));
}

void interruption::keep() {
  keeping = true;
}

void interruption::react(std::function<void()> reaction) {
  std::lock_guard lock{guard_};
  reaction_ = std::move(reaction);
  call();
}

void interruption::watch() {
  for (;;) {
    std::uint64_t why = 0;
    if (read(event_fd.load(), &why, sizeof why) != sizeof why)
      continue;
    if (why >= dismissed)
      return;
    std::lock_guard lock{guard_};
    signalled_ = true;
    call();
  }
}

void interruption::call() {
  if (signalled_ && reaction_)
    std::exchange(reaction_, {})();
}

} // namespace troupe
