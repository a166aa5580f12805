#include "runtime/interruption.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace troupe {
namespace {

constexpr std::uint64_t signalled = 1;
constexpr std::uint64_t dismissed = std::uint64_t{1} << 32;

// A handler may touch nothing but these.
std::atomic<int> event_fd{-1};
std::atomic<bool> again{false};

void wake(std::uint64_t why) {
  auto ignored = write(event_fd.load(), &why, sizeof why);
  static_cast<void>(ignored);
}

extern "C" void on_signal(int) {
  if (again.exchange(true))
    _exit(130);
  int before = errno;
  wake(signalled);
  errno = before;
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void watch(const std::function<void()>& react) {
  for (;;) {
    std::uint64_t why = 0;
    if (read(event_fd.load(), &why, sizeof why) != sizeof why)
      continue;
    if (why % dismissed != 0)
      react();
    if (why >= dismissed)
      return;
  }
}

} // namespace

interruption::interruption(std::function<void()> react) {
  event_fd = eventfd(0, EFD_CLOEXEC);
  if (event_fd < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
  again = false;
  watcher_ = std::thread{[react = std::move(react)] { watch(react); }};
  handle(on_signal);
}

interruption::~interruption() {
  handle(SIG_DFL);
  wake(dismissed);
  watcher_.join();
  close(event_fd.exchange(-1));
}

} // namespace troupe
