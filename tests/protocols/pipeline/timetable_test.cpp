#include "protocols/pipeline/timetable.hpp"

#include "protocols/pipeline/formula.hpp"
#include "protocols/pipeline/stage.hpp"
#include "tests/protocols/pipeline/every_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace troupe::pipeline {
namespace {

using tests::every_plan;
using tests::name_of;

constexpr costs even{1, 1, 0};   // a backward takes as long as a forward
constexpr costs thirds{1, 1, 1}; // each of its halves does

TEST(timetable_test, is_idle_as_the_papers_say) {
  std::size_t compared = 0;
  for (std::uint64_t steps : {1u, 2u})
    for (const auto& x : every_plan(4, 3, 9, steps))
      for (const auto& at : {even, thirds, costs{3, 4, 2}, costs{10, 12, 9},
               costs{5, 12, 4}, costs{12, 5, 4}}) {
        const auto list = list_of(x, at);
        const auto said = idle_formula(x, at);
        if (!said)
          continue;
        for (std::uint32_t rank = 0; rank < x.ranks; ++rank)
          ASSERT_EQ(list.idle(rank), *said) << name_of(x);
        ASSERT_DOUBLE_EQ(list.bubble(), *bubble_formula(x, at)) << name_of(x);
        ++compared;
      }

  EXPECT_GT(compared, 3000u);
}

TEST(timetable_test, has_the_bubble_of_gpipe_and_1f1b) {
  for (const auto how : {policy::gpipe, policy::one_f_one_b})
    for (std::uint32_t p : {1u, 2u, 4u, 8u})
      for (std::uint32_t m : {1u, 2u, 8u, 32u})
        EXPECT_DOUBLE_EQ(
            list_of({how, p, 1, m}, even).bubble(), (p - 1.0) / (m + p - 1.0));
}

TEST(timetable_test, is_idle_for_a_chunk_less_time_the_more_chunks_there_are) {
  for (std::uint32_t v : {2u, 3u, 4u}) {
    // Of a chunk: a rank's work is the same for any number of them.
    const costs whole{12, 12, 0};
    const costs part{12 / v, 12 / v, 0};

    const auto one = list_of({policy::one_f_one_b, 4, 1, 8}, whole);
    const auto several = list_of({policy::interleaved, 4, v, 8}, part);

    EXPECT_EQ(several.ranks[0].busy, one.ranks[0].busy);
    EXPECT_EQ(several.idle(0), one.idle(0) / v);
  }
}

TEST(timetable_test, is_idle_in_zb_h1_for_a_third_of_1f1b) {
  for (std::uint32_t p : {2u, 3u, 4u, 8u})
    for (std::uint32_t m : {p, p + 1, 4 * p}) {
      const auto split = list_of({policy::zb_h1, p, 1, m}, thirds);
      const auto whole = list_of({policy::one_f_one_b, p, 1, m}, thirds);

      EXPECT_EQ(3 * split.idle(0), whole.idle(0));
    }
}

TEST(timetable_test, fills_the_gaps_between_steps_in_2bw) {
  const plan ten{policy::two_bw, 4, 1, 8, 10};
  auto stops = ten;
  stops.how = policy::one_f_one_b;

  EXPECT_EQ(list_of(ten, even).idle(0), 6u);
  EXPECT_EQ(list_of(stops, even).idle(0), 60u);
}

TEST(timetable_test, holds_what_the_papers_say) {
  for (std::uint32_t p : {1u, 2u, 3u, 4u, 8u})
    for (std::uint32_t m : {1u, 2u, 5u, 8u, 24u})
      for (std::uint32_t rank = 0; rank < p; ++rank) {
        const auto held = [&](policy how) {
          return list_of({how, p, 1, m}, thirds).ranks[rank];
        };

        EXPECT_EQ(held(policy::naive).held, 1u);
        EXPECT_EQ(held(policy::gpipe).held, m);
        EXPECT_EQ(held(policy::one_f_one_b).held, std::min(p - rank, m));
        EXPECT_EQ(held(policy::two_bw).held, std::min(p - rank, m));
        EXPECT_EQ(held(policy::zb_h1).held, std::min(p - rank, m));
        EXPECT_LE(held(policy::zb_h1).together, p);
        EXPECT_LE(held(policy::zb_h1).kept, rank + 1);
      }
}

TEST(timetable_test, never_has_more_than_its_plan_allows) {
  for (const auto& x : every_plan(4, 3, 9, 2))
    for (const auto& at : {even, costs{3, 1, 5, 2, 4}, costs{1, 7, 2, 0, 1}}) {
      const auto list = list_of(x, at);
      for (std::uint32_t rank = 0; rank < x.ranks; ++rank) {
        const auto& row = list.ranks[rank];
        ASSERT_LE(row.held, most_held(x, rank)) << name_of(x);
        ASSERT_LE(row.together, most_kept(x, rank)) << name_of(x);
      }
    }
}

TEST(timetable_test, has_one_box_behind_the_other_and_each_work_once) {
  for (const auto& x : every_plan(4, 3, 9, 2)) {
    const auto list = list_of(x, {3, 4, 2, 1, 5});
    for (const auto& row : list.ranks) {
      std::vector<work> all;
      ticks end = 0;
      for (const auto& each : row.boxes) {
        ASSERT_GE(each.begin, end) << name_of(x);
        end = each.end;
        all.push_back(each.what);
      }
      std::ranges::sort(all);
      ASSERT_EQ(std::ranges::adjacent_find(all), all.end()) << name_of(x);
      ASSERT_EQ(all.size(), x.steps * (x.units() * (x.split() ? 3 : 2) + 1))
          << name_of(x);
    }
  }
}

TEST(timetable_test, waits_for_transfers) {
  const auto list = list_of({policy::naive, 2, 1, 1}, {1, 1, 0, 0, 10});

  EXPECT_EQ(list.makespan, 24u);
}

TEST(timetable_test, is_refused_for_a_plan_with_a_fault) {
  EXPECT_THROW(list_of({policy::zb_h1, 2, 2, 4}), std::invalid_argument);
}

TEST(timetable_test, reads_as_lines) {
  EXPECT_EQ(to_text(list_of({policy::naive, 2, 1, 1}, even)),
      "rank 0\n"
      "  0 to 1 forward of 0 at chunk 0\n"
      "  3 to 4 backward of 0 at chunk 0\n"
      "  4 to 4 update behind step 0\n"
      "rank 1\n"
      "  1 to 2 forward of 0 at chunk 0\n"
      "  2 to 3 backward of 0 at chunk 0\n"
      "  3 to 3 update behind step 0\n");
}

} // namespace
} // namespace troupe::pipeline
