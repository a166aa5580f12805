#include "monitoring/process_stat.hpp"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

namespace troupe::monitoring {
namespace {

using clock = std::chrono::steady_clock;

// Later than the kernel's start of the process, by the loader's time.
const auto loaded = clock::now();

double seconds_since_loaded() {
  return std::chrono::duration<double>(clock::now() - loaded).count();
}

TEST(process_stat_test, ages_from_the_start_of_the_process) {
  std::this_thread::sleep_for(std::chrono::milliseconds{50});

  const auto least = seconds_since_loaded();
  const auto age = process_age();

  EXPECT_GE(age, least - 0.02); // the kernel counts in ticks of 10 ms
  EXPECT_LT(age, seconds_since_loaded() + 60);
}

} // namespace
} // namespace troupe::monitoring
