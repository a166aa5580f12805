#include "protocols/parallel/plan.hpp"

#include "protocols/collective/canonical.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace troupe::parallel {
namespace {

std::vector<std::uint32_t> holders(
    std::uint32_t micro_batches, std::uint32_t ranks) {
  std::vector<std::uint32_t> result;
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    result.resize(
        result.size() + share_of(micro_batches, ranks, rank).size, rank);
  return result;
}

TEST(plan_test, knows_each_way_to_agree_by_its_name) {
  std::set<std::string> names;

  for (std::uint8_t i = 0; i < syncs; ++i) {
    const auto how = static_cast<sync>(i);
    names.insert(to_string(how));
    EXPECT_EQ(sync_named(to_string(how)), how);
  }

  EXPECT_EQ(names.size(), syncs);
  EXPECT_FALSE(sync_named("allreduce"));
  EXPECT_FALSE(sync_named(""));
}

TEST(plan_test, is_in_lockstep_where_a_step_is_agreed_on) {
  plan x;

  EXPECT_TRUE(x.lockstep());
  x.how = sync::parameter_server;
  EXPECT_TRUE(x.lockstep());
  x.staleness = 1;
  EXPECT_FALSE(x.lockstep());
  x.staleness = {};
  EXPECT_FALSE(x.lockstep());
  for (auto apart : {sync::local_sgd, sync::diloco, sync::gossip})
    EXPECT_FALSE((plan{.how = apart, .staleness = 0}.lockstep()));
}

TEST(plan_test, shares_each_micro_batch_out_once_and_evenly) {
  for (std::uint32_t micro_batches : {0u, 1u, 2u, 7u, 8u, 31u, 64u})
    for (std::uint32_t ranks = 1; ranks <= 9; ++ranks) {
      std::uint32_t next = 0;
      auto least = micro_batches;
      std::uint32_t most = 0;

      for (std::uint32_t rank = 0; rank < ranks; ++rank) {
        const auto own = share_of(micro_batches, ranks, rank);
        EXPECT_EQ(own.first, next);
        next = own.first + own.size;
        least = std::min(least, own.size);
        most = std::max(most, own.size);
      }

      EXPECT_EQ(next, micro_batches);
      EXPECT_LE(most - least, 1) << micro_batches << " on " << ranks;
    }
}

TEST(plan_test, gives_ranks_the_leaves_that_canonical_sums_take_them_to_hold) {
  for (std::uint32_t micro_batches : {1u, 4u, 8u, 13u})
    for (std::uint32_t ranks = 1; ranks <= 5; ++ranks)
      EXPECT_EQ(holders(micro_batches, ranks),
          collective::side_by_side(micro_batches, ranks));
}

TEST(plan_test, shares_as_many_as_can_be_counted) {
  constexpr auto all = std::numeric_limits<std::uint32_t>::max();

  const auto last = share_of(all, all, all - 1);

  EXPECT_EQ(last.first, all - 1);
  EXPECT_EQ(last.size, 1);
}

} // namespace
} // namespace troupe::parallel
