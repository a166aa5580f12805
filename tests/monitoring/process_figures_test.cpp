#include "monitoring/process_figures.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/monitoring/exposition.hpp"

namespace troupe::monitoring {

namespace {

double figure(const std::string& name) {
  return std::stod(sample(exposition(*process_figures()), "process_" + name));
}

TEST(process_figures_test, measures_memory_in_bytes) {
  const auto before = figure("resident_memory_bytes");
  const std::vector<char> ballast(64 << 20, 1);
  const auto after = figure("resident_memory_bytes");

  EXPECT_GT(before, 1 << 20);
  EXPECT_GE(after - before, 48 << 20);
  EXPECT_GE(figure("virtual_memory_bytes"), after);
}

TEST(process_figures_test, counts_open_files) {
  const auto before = figure("open_fds");
  const int file = open("/dev/null", O_RDONLY);
  const auto during = figure("open_fds");
  close(file);

  EXPECT_EQ(during - before, 1);
  EXPECT_EQ(figure("open_fds"), before);
  EXPECT_GT(figure("max_fds"), during);
}

TEST(process_figures_test, counts_cpu_time_spent) {
  using clock = std::chrono::steady_clock;
  const auto before = figure("cpu_seconds_total");

  double after = before;
  const auto patience = clock::now() + std::chrono::seconds{30};
  while (after < before + 0.05 && clock::now() < patience)
    after = figure("cpu_seconds_total");

  EXPECT_GE(after, before + 0.05);
}

TEST(process_figures_test, knows_when_the_process_started) {
  const auto now = std::chrono::duration<double>(
      std::chrono::system_clock::now().time_since_epoch());

  const auto started = figure("start_time_seconds");

  EXPECT_LE(started, now.count() + 2);
  EXPECT_GT(started, now.count() - 3600);
}

TEST(process_figures_test, counts_threads) {
  EXPECT_GE(figure("threads"), 1);
}

} // namespace

} // namespace troupe::monitoring
