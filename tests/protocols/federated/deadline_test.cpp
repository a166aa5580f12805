#include "protocols/federated/deadline.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::federated {
namespace {

using namespace std::chrono_literals;

constexpr std::array<client_id, 3> trio{0, 1, 2};

// A round in which clients 0, 1, ... take so long.
void tell(deadline& d, const std::vector<duration>& times) {
  d.begin_round();
  for (client_id i = 0; i < times.size(); ++i)
    d.took(i, times[i]);
}

} // namespace

TEST(deadline_test, is_none_where_none_is_asked_for) {
  deadline none;
  tell(none, {1s, 2s, 3s});

  EXPECT_EQ(none.of(trio), std::nullopt);
}

TEST(deadline_test, is_the_fixed_one_from_the_first_round_on) {
  deadline fixed{30s};
  EXPECT_EQ(fixed.of(trio), 30s);
  tell(fixed, {1s, 2s, 3s});

  EXPECT_EQ(fixed.of(trio), 30s);
}

TEST(deadline_test, has_clients_send_what_they_have_behind_a_part_of_it) {
  EXPECT_EQ(deadline{30s}.sends_after(30s), std::nullopt);
  const deadline some{30s, 0.0, 0.5};
  EXPECT_EQ(some.sends_after(30s), 15s);
  EXPECT_EQ(some.anew().sends_after(10s), 5s);
}

TEST(deadline_test, is_none_while_nothing_is_known) {
  EXPECT_EQ((deadline{{}, 3.0}.of(trio)), std::nullopt);
}

TEST(deadline_test, is_so_many_mad_above_the_median) {
  deadline adaptive{{}, 3.0};
  // The median is 3 s; distances from it are 2, 1, 0, 1 and 97 s.
  tell(adaptive, {1s, 2s, 3s, 4s, 100s});

  EXPECT_EQ(adaptive.of(trio), 6s);
}

TEST(deadline_test, takes_the_middle_of_an_even_number) {
  deadline adaptive{{}, 2.0};
  // The median is 2.5 s; distances are 1.5, 0.5, 0.5 and 7.5 s: 1 s.
  tell(adaptive, {1s, 2s, 3s, 10s});

  EXPECT_EQ(adaptive.of(trio), 4500ms);
}

TEST(deadline_test, is_the_longest_that_one_of_the_clients_gets) {
  deadline adaptive{{}, 2.0};
  for (auto x : {1s, 2s, 3s})
    tell(adaptive, {1s, 1s, x * 10}); // 2: 20 s and 10 s around them

  EXPECT_EQ(adaptive.of(std::array<client_id, 2>{0, 1}), 1s);
  EXPECT_EQ(adaptive.of(trio), 40s);
}

TEST(deadline_test, goes_by_everybodys_times_for_one_that_has_few) {
  deadline adaptive{{}, 1.0};
  for (auto x : {1s, 2s, 3s})
    tell(adaptive, {x});

  EXPECT_EQ(adaptive.of(std::array<client_id, 1>{9}), 3s);
}

TEST(deadline_test, forgets_what_was_long_ago) {
  deadline adaptive{{}, 1.0};
  tell(adaptive, {100s, 100s, 100s});
  for (std::size_t i = 0; i < deadline::recent_rounds; ++i)
    tell(adaptive, {1s, 1s, 1s});

  EXPECT_EQ(adaptive.of(trio), 1s);
  EXPECT_EQ(adaptive.of(std::array<client_id, 1>{9}), 1s);
}

TEST(deadline_test, does_not_depend_on_who_came_first) {
  deadline forward{{}, 1.5}, backward{{}, 1.5};
  for (int round = 1; round < 5; ++round) {
    forward.begin_round();
    backward.begin_round();
    for (client_id i = 0; i < 9; ++i) {
      forward.took(i, round * i * i * 1ms);
      backward.took(8 - i, round * (8 - i) * (8 - i) * 1ms);
    }
    EXPECT_EQ(forward.of(trio), backward.of(trio));
  }
}

TEST(deadline_test, takes_what_cannot_be_waited_for_as_very_long) {
  deadline adaptive{{}, 1e6};
  tell(adaptive, {1s, 1'000'000'000s, 2'000'000'000s});

  const auto longest = *adaptive.of(trio);

  EXPECT_GT(instant{1'000'000'000s} + longest, instant{1'000'000'000s});
  EXPECT_EQ(deadline{duration::max()}.of(trio), longest);
}

TEST(deadline_test, knows_nothing_when_it_begins_anew) {
  deadline adaptive{{}, 1.0};
  tell(adaptive, {1s});

  EXPECT_EQ(adaptive.anew().of(trio), std::nullopt);
}

} // namespace troupe::federated
