#include "actors/clocks.hpp"

#include <time.h>

namespace troupe {
namespace {

double read_clock(clockid_t which) noexcept {
  timespec t{};
  clock_gettime(which, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

} // namespace

double wall_seconds() noexcept {
  return read_clock(CLOCK_MONOTONIC);
}

double thread_seconds() noexcept {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

} // namespace troupe
