#include "protocols/collective/proof.hpp"

#include "tests/protocols/collective/every_task.hpp"

#include <gtest/gtest.h>

namespace troupe::collective {
namespace {

using tests::every_task;
using tests::name_of;

TEST(proof_test, proves_every_schedule_for_up_to_33_ranks) {
  std::size_t proven = 0;
  for (std::uint32_t ranks = 1; ranks <= 33; ++ranks)
    for (std::size_t count : {0u, 1u, 7u, 6 * ranks})
      for (const auto& each : every_task(ranks, count)) {
        if (count > 7 && extent_of(each) != count)
          continue; // seven a rank are enough there
        ASSERT_EQ(fault_of(schedule_of(each), each), "") << name_of(each);
        ++proven;
      }

  EXPECT_GT(proven, 5000u);
}

TEST(proof_test, proves_parts_of_any_sizes_for_up_to_33_ranks) {
  for (std::uint32_t ranks = 1; ranks <= 33; ++ranks)
    for (const auto& each : every_task(ranks, 1)) {
      const bool sum = each.kind == operation_kind::reduce_scatter;
      if (!sum && each.kind != operation_kind::all_gather)
        continue;
      for (std::uint32_t salt : {0u, 1u, 2u}) {
        const auto parts = tests::uneven_parts(ranks, salt);
        const auto extent = parts.back().end;
        const auto way = sum ? scattered(each.how, parts, extent, each.pieces)
                             : gathered(each.how, parts, extent, each.pieces);

        ASSERT_EQ(fault_of_parts(way, each, parts), "")
            << name_of(each) << ", salt " << salt;
      }
    }
}

TEST(proof_test, finds_parts_that_are_cut_elsewhere) {
  for (const auto& each : every_task(4, 1)) {
    const bool sum = each.kind == operation_kind::reduce_scatter;
    if (!sum && each.kind != operation_kind::all_gather)
      continue;
    const std::vector<range> meant{{0, 3}, {3, 3}, {3, 9}, {9, 10}};
    const std::vector<range> cut{{0, 3}, {3, 4}, {4, 9}, {9, 10}};
    const auto way = sum ? scattered(each.how, cut, 10, each.pieces)
                         : gathered(each.how, cut, 10, each.pieces);

    ASSERT_NE(fault_of_parts(way, each, meant), "") << name_of(each);
  }
}

TEST(proof_test, finds_every_step_that_is_dropped) {
  for (std::uint32_t ranks : {2u, 3u, 4u, 7u})
    for (const auto& each : every_task(ranks, 6 * ranks)) {
      const auto whole = schedule_of(each);
      for (std::size_t r = 0; r < ranks; ++r)
        for (std::size_t i = 0; i < whole.ranks[r].size(); ++i) {
          auto twin = whole;
          twin.ranks[r].erase(
              twin.ranks[r].begin() + static_cast<std::ptrdiff_t>(i));

          ASSERT_NE(fault_of(twin, each), "") << name_of(each);
        }
    }
}

TEST(proof_test, finds_every_step_that_is_doubled) {
  for (std::uint32_t ranks : {2u, 3u, 4u, 7u})
    for (const auto& each : every_task(ranks, 6 * ranks)) {
      const auto whole = schedule_of(each);
      for (std::size_t r = 0; r < ranks; ++r)
        for (std::size_t i = 0; i < whole.ranks[r].size(); ++i) {
          auto twin = whole;
          twin.ranks[r].insert(
              twin.ranks[r].begin() + static_cast<std::ptrdiff_t>(i),
              whole.ranks[r][i]);

          ASSERT_NE(fault_of(twin, each), "") << name_of(each);
        }
    }
}

// Both ends agree, so that nobody waits: only the sums tell.
TEST(proof_test, finds_every_transfer_that_both_ends_make_twice) {
  for (const auto& each : every_task(4, 24)) {
    const auto whole = schedule_of(each);
    for (std::uint32_t r = 0; r < 4; ++r)
      for (const auto& one : whole.ranks[r]) {
        if (one.what == verb::send)
          continue;
        auto twice = blank(4, whole.extent);
        twice.ranks[one.peer].push_back(
            {one.round, verb::send, r, one.part, one.of});
        twice.ranks[r].push_back(one);

        ASSERT_NE(fault_of(beside(whole, twice), each), "") << name_of(each);
      }
  }
}

TEST(proof_test, finds_ranks_that_wait_for_each_other) {
  auto circle = blank(2, 2);
  circle.ranks[0] = {
      {0, verb::copy, 1, {0, 1}, {}}, {1, verb::send, 1, {1, 2}, {}}};
  circle.ranks[1] = {
      {0, verb::copy, 0, {1, 2}, {}}, {1, verb::send, 0, {0, 1}, {}}};

  EXPECT_EQ(fault_of(circle,
                {operation_kind::all_gather, algorithm::direct, 2, 1, 0, 1}),
      "rank 0 waits for ever in round 0");
}

TEST(proof_test, finds_a_barrier_that_lets_somebody_through) {
  const task three{operation_kind::barrier, algorithm::direct, 3, 0, 0, 1};
  auto ring = blank(3, 0);
  for (std::uint32_t r = 0; r < 3; ++r) {
    ring.ranks[r].push_back({0, verb::send, (r + 1) % 3, {}, {}});
    ring.ranks[r].push_back({0, verb::copy, (r + 2) % 3, {}, {}});
  }

  EXPECT_EQ(fault_of(ring, three), "rank 0 goes on without rank 1");
}

TEST(proof_test, is_for_the_operation_that_was_asked_for) {
  const task sum{operation_kind::all_reduce, algorithm::ring, 4, 32, 0, 1};
  auto other = sum;
  other.kind = operation_kind::reduce;

  EXPECT_NE(fault_of(schedule_of(other), sum), "");
}

} // namespace
} // namespace troupe::collective
