#pragma once

// The one way in which a group waits; for its own sources.
#include "runtime/collective/channel_group.hpp"

#include "runtime/collective/bell.hpp"

#include <fmt/format.h>
#include <sched.h>

namespace troupe::collective {

// Spins, then leaves the processor to others, then sleeps. `step` says whether
// it is through, and counts what has moved.
template <class Step>
void channel_group::carry_on(const call& what, Step&& step) {
  using clock = std::chrono::steady_clock;
  constexpr auto gentle = std::chrono::seconds{1};
  // Where many others want the processor a yield takes as long as they do.
  constexpr auto longest_yielding = std::chrono::milliseconds{1};
  const auto most = wire_->before_sleep();
  std::uint32_t idle = 0;
  auto since = clock::time_point{};
  std::vector<wanted> wants;
  for (;;) {
    const auto before = idle;
    if (step(idle, wants, false))
      return;
    if (idle <= before) {
      since = {};
      continue;
    }
    if (idle < most.looks) {
      breathe();
      continue;
    }
    const auto now = clock::now();
    if (since == clock::time_point{})
      since = now;
    if (idle < most.looks + most.yields && now - since < longest_yielding) {
      sched_yield();
      continue;
    }
    wire_->lie_down();
    wants.clear();
    const bool through = step(idle, wants, true);
    const bool moved = idle == 0;
    if (through || moved) {
      wire_->rise();
      if (through)
        return;
      since = {};
      continue;
    }
    if (until_.stop_requested()) {
      wire_->rise();
      end(what, {rank(), "it was told to let go", false});
    }
    const auto lost = wire_->look();
    const auto waited = now - since;
    if (lost && (!lost->gently || waited > gentle)) {
      wire_->rise();
      end(what, *lost);
    }
    if (waited > silence_) {
      wire_->rise();
      end(what,
          {wants.empty() ? (rank() + 1) % ranks() : wants.front().peer,
              fmt::format("it has been silent for {} ms", silence_.count()),
              false});
    }
    wire_->sleep(wants);
    wire_->rise();
  }
}

} // namespace troupe::collective
