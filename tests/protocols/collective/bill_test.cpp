#include "protocols/collective/bill.hpp"

#include "tests/protocols/collective/every_task.hpp"

#include <gtest/gtest.h>

namespace troupe::collective {
namespace {

task sum_of(algorithm how, std::uint32_t ranks, std::size_t count) {
  return {operation_kind::all_reduce, how, ranks, count, 0, 1};
}

// From the table in gloo's docs/algorithms.md, and Thakur et al. 2005.
TEST(bill_test, is_what_the_literature_says_of_eight_ranks) {
  EXPECT_EQ(bill_of(schedule_of(sum_of(algorithm::ring, 8, 64))),
      (bill{14, 112, 2 * 7 * 64, 2 * 56}));
  EXPECT_EQ(bill_of(schedule_of(sum_of(algorithm::halving_doubling, 8, 64))),
      (bill{6, 48, 2 * 7 * 64, 2 * 56}));
  EXPECT_EQ(bill_of(schedule_of(sum_of(algorithm::doubling, 8, 64))),
      (bill{3, 24, 24 * 64, 3 * 64}));
  EXPECT_EQ(bill_of(schedule_of(sum_of(algorithm::bcube, 8, 64))),
      (bill{4, 64, 2 * 7 * 64, 2 * 56}));
  EXPECT_EQ(bill_of(schedule_of(sum_of(algorithm::binomial_tree, 8, 64))),
      (bill{6, 14, 14 * 64, 3 * 64}));
}

TEST(bill_test, no_rank_sends_more_than_the_formula_has) {
  for (std::uint32_t ranks = 2; ranks <= 33; ++ranks)
    for (const auto& each : tests::every_task(ranks, 48 * ranks))
      if (const auto said = formula_of(each); said.most_known)
        EXPECT_EQ(bill_of(schedule_of(each)).most, said.cost.most)
            << tests::name_of(each);
}

// With alpha alone rounds count, with beta alone bytes do.
TEST(bill_test, prices_messages_and_elements) {
  const auto ring = schedule_of(sum_of(algorithm::ring, 8, 64));
  const auto doubling = schedule_of(sum_of(algorithm::doubling, 8, 64));

  EXPECT_DOUBLE_EQ(seconds_of(ring, {1.0, 0.0, 0.0}), 14.0);
  EXPECT_DOUBLE_EQ(seconds_of(ring, {0.0, 1.0, 0.0}), 14.0 * 8.0);
  EXPECT_DOUBLE_EQ(seconds_of(ring, {0.0, 0.0, 1.0}), 7.0 * 8.0);
  EXPECT_DOUBLE_EQ(seconds_of(doubling, {1.0, 0.0, 0.0}), 3.0);
  EXPECT_DOUBLE_EQ(seconds_of(doubling, {0.0, 1.0, 0.0}), 3.0 * 64.0);
}

// The picture of a chain: pieces hide each other's way.
TEST(bill_test, pieces_make_a_chain_cheaper) {
  task chain{operation_kind::broadcast, algorithm::ring, 8, 960, 0, 1};
  const prices wire{1.0, 1.0, 0.0};
  const auto whole = seconds_of(schedule_of(chain), wire);
  chain.how = algorithm::chunked_ring;
  chain.pieces = 15;
  const auto cut = seconds_of(schedule_of(chain), wire);

  EXPECT_DOUBLE_EQ(whole, 7.0 * 961.0);
  EXPECT_DOUBLE_EQ(cut, 21.0 * 65.0);
}

} // namespace
} // namespace troupe::collective
