#include "runtime/collective/bell.hpp"

#include <climits>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace troupe::collective {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

void bell::ring() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (sleepers.load() == 0)
    return;
  rung.fetch_add(1);
  syscall(SYS_futex, &rung, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::uint32_t bell::lie_down() noexcept {
  sleepers.fetch_add(1);
  return rung.load();
}

void bell::sleep(std::uint32_t seen, int milliseconds) noexcept {
  const timespec most{milliseconds / 1000, (milliseconds % 1000) * 1'000'000L};
  syscall(SYS_futex, &rung, FUTEX_WAIT, seen, &most, nullptr, 0);
}

} // namespace troupe::collective
