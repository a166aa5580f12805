#pragma once

#include <atomic>
#include <cstdint>

namespace troupe::collective {

/// Wakes one sleeper, of this process or of one that sees the same memory: it
/// is rung whenever something has changed. All zeros at first.
///
///     sleeper: n = lie_down(); looks at everything; sleep(n) or not; rise()
///     ringer:  changes something; ring()
///
/// Who sets his mark before he looks is seen, or sees.
struct alignas(64) bell {
  std::atomic<std::uint32_t> rung;
  std::atomic<std::uint32_t> sleepers;

  void ring() noexcept;
  std::uint32_t lie_down() noexcept;
  /// Until it is rung after `seen` was counted, or some milliseconds.
  void sleep(std::uint32_t seen, int milliseconds) noexcept;
  void rise() noexcept { sleepers.fetch_sub(1); }
};

/// Something to do between two looks, on a processor that has other threads.
inline void breathe() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

} // namespace troupe::collective
