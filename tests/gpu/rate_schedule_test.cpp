#include "gpu/optimisers/rate_schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace troupe::gpu {
namespace {

TEST(rate_schedule_test, stays_at_one_unless_told_otherwise) {
  const rate_schedule constant;

  EXPECT_EQ(constant.at(0), 1.0);
  EXPECT_EQ(constant.at(1'000'000), 1.0);
}

TEST(rate_schedule_test, rises_in_equal_parts_up_to_the_step_of_warmup) {
  const rate_schedule rising{.warmup = 3};

  EXPECT_DOUBLE_EQ(rising.at(0), 0.25);
  EXPECT_DOUBLE_EQ(rising.at(1), 0.5);
  EXPECT_DOUBLE_EQ(rising.at(2), 0.75);
  EXPECT_EQ(rising.at(3), 1.0);
  EXPECT_EQ(rising.at(4), 1.0);
}

TEST(rate_schedule_test, falls_in_a_line_to_its_floor) {
  const rate_schedule falling{
      .how = decay::linear, .warmup = 2, .steps = 12, .floor = 0.5};

  EXPECT_EQ(falling.at(2), 1.0);
  EXPECT_DOUBLE_EQ(falling.at(7), 0.75);
  EXPECT_EQ(falling.at(12), 0.5);
  EXPECT_EQ(falling.at(13), 0.5);
}

TEST(rate_schedule_test, falls_by_half_a_cosine) {
  const rate_schedule falling{
      .how = decay::cosine, .warmup = 2, .steps = 12, .floor = 0.1};

  EXPECT_EQ(falling.at(2), 1.0);
  for (std::uint64_t step = 3; step < 12; ++step) {
    const auto p = double(step - 2) / 10.0;
    EXPECT_DOUBLE_EQ(falling.at(step),
        0.1 + 0.9 * (1.0 + std::cos(std::numbers::pi * p)) / 2.0);
    EXPECT_LT(falling.at(step), falling.at(step - 1));
  }
  EXPECT_EQ(falling.at(12), 0.1);
  EXPECT_EQ(falling.at(1000), 0.1);
}

} // namespace
} // namespace troupe::gpu
