#include "monitoring/ticks.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::monitoring {

namespace {

using testing::ElementsAre;

std::vector<std::string> labels(const ticks& marks) {
  std::vector<std::string> result;
  for (double value : marks.at)
    result.push_back(marks.label(value));
  return result;
}

TEST(ticks_test, stand_at_round_values) {
  EXPECT_THAT(labels(ticks::over(0.0, 1.0, 5)),
      ElementsAre("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(labels(ticks::over(0.713, 0.857, 5)),
      ElementsAre("0.75", "0.80", "0.85"));
  EXPECT_THAT(labels(ticks::over(0, 50, 6)),
      ElementsAre("0", "10", "20", "30", "40", "50"));
}

TEST(ticks_test, pass_through_zero_without_a_sign) {
  EXPECT_THAT(labels(ticks::over(-1.0, 1.0, 4)),
      ElementsAre("-1.0", "-0.5", "0.0", "0.5", "1.0"));
}

TEST(ticks_test, step_no_finer_than_asked) {
  EXPECT_THAT(labels(ticks::over(9, 11, 6, 1.0)), ElementsAre("9", "10", "11"));
}

TEST(ticks_test, shorten_what_has_too_many_digits) {
  EXPECT_THAT(
      labels(ticks::over(0, 4e9, 2)), ElementsAre("0", "2e+09", "4e+09"));
  EXPECT_THAT(
      labels(ticks::over(0, 4e-7, 2)), ElementsAre("0", "2e-07", "4e-07"));
}

TEST(ticks_test, are_about_as_many_as_wanted_at_every_scale) {
  for (double scale = 1e-12; scale < 1e12; scale *= 3.7) {
    const auto marks = ticks::over(0.3 * scale, 7.1 * scale, 5).at;

    EXPECT_GE(marks.size(), 2u) << scale;
    EXPECT_LE(marks.size(), 6u) << scale;
    EXPECT_GE(marks.front(), 0.3 * scale * (1 - 1e-6));
    EXPECT_LE(marks.back(), 7.1 * scale * (1 + 1e-6));
  }
}

} // namespace

} // namespace troupe::monitoring
