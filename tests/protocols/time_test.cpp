#include "protocols/time.hpp"

#include <functional>
#include <type_traits>

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;

TEST(time_test, keeps_points_and_spans_apart) {
  static_assert(!std::is_convertible_v<duration, instant>);
  static_assert(!std::is_convertible_v<instant, duration>);
  static_assert(!std::is_invocable_v<std::plus<>, instant, instant>);
  static_assert(!std::is_invocable_v<std::less<>, instant, duration>);

  EXPECT_EQ(instant{3s} - instant{1s}, duration{2s});
  EXPECT_EQ(instant{3s} + duration{1s}, instant{4s});
}

TEST(time_test, says_seconds_both_ways) {
  EXPECT_EQ(seconds(1500ms), 1.5);
  EXPECT_EQ(from_seconds(1.5), duration{1500ms});
}

} // namespace
} // namespace troupe
