#include "protocols/collective/schedule.hpp"

#include "protocols/collective/algorithm.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace troupe::collective {
namespace {

TEST(schedule_test, is_told_step_by_step) {
  const auto ring =
      schedule_of({operation_kind::all_reduce, algorithm::ring, 2, 8, 0, 1});

  EXPECT_EQ(to_text(ring), R"(round 0
  rank 0  send [4, 8) to 1; add [0, 4) from 1
  rank 1  add [4, 8) from 0; send [0, 4) to 0
round 1
  rank 0  send [0, 4) to 1; copy [4, 8) from 1
  rank 1  copy [0, 4) from 0; send [4, 8) to 0
)");
}

TEST(schedule_test, goes_backwards_and_is_itself_again) {
  auto moved = blank(3, 4);
  move(moved, 0, 0, 1, {0, 4}, verb::copy);
  move(moved, 1, 1, 2, {2, 4}, verb::copy);

  const auto back = reversed(moved);

  EXPECT_EQ(back.ranks[2].front(), (step{0, verb::send, 1, {2, 4}, {}}));
  EXPECT_EQ(reversed(back), moved);
}

TEST(schedule_test, divides_at_cache_lines_where_there_are_many) {
  EXPECT_EQ(divided(7, 3), (std::vector<range>{{0, 2}, {2, 4}, {4, 7}}));
  for (const auto& each : divided(100'003, 7))
    EXPECT_EQ(each.begin % 16, 0u);
  EXPECT_EQ(divided(100'003, 7).back().end, 100'003u);
  EXPECT_EQ(divided(0, 2), (std::vector<range>{{0, 0}, {0, 0}}));
}

TEST(schedule_test, refuses_what_is_not_defined_by_name) {
  const auto why = [](const task& x) {
    try {
      schedule_of(x);
    } catch (const std::invalid_argument& error) {
      return std::string{error.what()};
    }
    return std::string{};
  };

  EXPECT_EQ(why({operation_kind::gather, algorithm::ring, 4, 1, 0, 1}),
      "gather is not defined by ring");
  EXPECT_EQ(why({operation_kind::reduce, algorithm::ring, 4, 1, 4, 1}),
      "reduce: the root, rank 4, is none of 4");
  EXPECT_EQ(why({operation_kind::reduce, algorithm::ring, 0, 1, 0, 1}),
      "a schedule is for one rank at least");
}

TEST(schedule_test, knows_its_algorithms_by_name) {
  for (std::uint8_t i = 0; i < algorithms; ++i) {
    const auto how = static_cast<algorithm>(i);
    EXPECT_EQ(algorithm_named(to_string(how)), how);
  }
  EXPECT_FALSE(algorithm_named("bubble"));
}

} // namespace
} // namespace troupe::collective
