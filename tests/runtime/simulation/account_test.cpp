#include "runtime/simulation/account.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace troupe::simulation {
namespace {

using namespace std::chrono_literals;

constexpr instant at(duration since) {
  return instant{since};
}

TEST(account_test, knows_whose_time_was_idle_and_whose_was_wasted) {
  account of{4, 250};
  of.lent(at(0s));
  of.lent(at(0s));
  of.ended(at(4s)); // one place is idle from here on
  of.sent();
  of.ended(at(10s), 10s);

  const auto figures = of.at(at(10s));
  EXPECT_DOUBLE_EQ(figures.seconds, 10.0);
  EXPECT_DOUBLE_EQ(figures.idle, 0.3);
  EXPECT_DOUBLE_EQ(figures.wasted, 0.5);
  EXPECT_DOUBLE_EQ(figures.bytes_down, 2'000.0);
  EXPECT_DOUBLE_EQ(figures.bytes_up, 1'000.0);
}

TEST(account_test, takes_jains_index_over_all_clients) {
  account alone{4, 1}, all{4, 1};
  alone.accepted(2, 3);
  alone.accepted(2, 1);
  for (client_id i = 0; i < 4; ++i)
    all.accepted(i, 0);

  EXPECT_DOUBLE_EQ(alone.at(at(1s)).fairness, 0.25);
  EXPECT_DOUBLE_EQ(alone.at(at(1s)).mean_staleness, 2.0);
  EXPECT_EQ(alone.at(at(1s)).max_staleness, 3u);
  EXPECT_DOUBLE_EQ(all.at(at(1s)).fairness, 1.0);
  EXPECT_DOUBLE_EQ((account{4, 1}.at(at(0s)).fairness), 0.0);
}

TEST(account_test, remembers_when_an_accuracy_was_first_reached) {
  account of{1, 1};
  of.scored(0.25, at(1s));
  of.scored(0.91, at(5s));
  of.scored(0.55, at(9s));

  const auto& reached = of.at(at(9s)).reached;
  EXPECT_EQ(reached.size(), 10u); // 0.1 to 0.9, and 0.91
  EXPECT_DOUBLE_EQ(reached.at(0.2), 1.0);
  EXPECT_DOUBLE_EQ(reached.at(0.3), 5.0);
  EXPECT_DOUBLE_EQ(reached.at(0.91), 5.0);
}

TEST(account_test, takes_back_what_a_crash_made_void) {
  account of{2, 1};
  of.accepted(0, 0);
  const auto then = of;
  of.accepted(1, 7);
  of.scored(0.5, at(1s));
  of.back_to(then);

  EXPECT_EQ(of.at(at(2s)).updates, 1u);
  EXPECT_EQ(of.at(at(2s)).max_staleness, 0u);
  EXPECT_TRUE(of.at(at(2s)).reached.empty());
}

} // namespace
} // namespace troupe::simulation
