#pragma once

#include <chrono>

namespace troupe {

/// A span of time: a patience, a grace, an interval.
using duration = std::chrono::nanoseconds;

/// The clock of Troupe's moments. It never goes back; a run's facts count from
/// the start of the run's process, an actor's timers from whenever its own
/// clock began. There is no `now()`: rules are told the time, and actors read
/// a clock that a test or a simulator moves (`clock_now`).
struct run_clock {
  using duration = troupe::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<run_clock>;
  static constexpr bool is_steady = true;
};

/// A point in time: a deadline, a moment.
using instant = run_clock::time_point;

/// Saved as its nanoseconds.
template <class Inspector>
bool inspect(Inspector& f, instant& x) {
  return f.apply([&x] { return x.time_since_epoch(); },
      [&x](duration t) {
        x = instant{t};
        return true;
      });
}

inline double seconds(duration t) noexcept {
  return std::chrono::duration<double>(t).count();
}

inline duration from_seconds(double s) noexcept {
  return std::chrono::duration_cast<duration>(std::chrono::duration<double>(s));
}

} // namespace troupe
