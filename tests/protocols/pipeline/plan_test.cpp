#include "protocols/pipeline/plan.hpp"

#include "tests/protocols/pipeline/every_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace troupe::pipeline {
namespace {

using tests::every_plan;
using tests::name_of;

TEST(pipeline_plan_test, knows_each_policy_by_its_name) {
  std::set<std::string> names;

  for (std::uint8_t i = 0; i < policies; ++i) {
    const auto how = static_cast<policy>(i);
    names.insert(to_string(how));
    EXPECT_EQ(policy_named(to_string(how)), how);
  }

  EXPECT_EQ(names.size(), policies);
  EXPECT_FALSE(policy_named("1F1B"));
  EXPECT_FALSE(policy_named(""));
}

TEST(pipeline_plan_test, says_what_cannot_be) {
  EXPECT_EQ(fault_of({policy::one_f_one_b, 4, 2, 8}),
      "1f1b has one chunk a rank, not 2: interleaved and gpipe have several");
  EXPECT_NE(fault_of({policy::zb_h1, 4, 2, 8}), "");
  EXPECT_NE(fault_of({policy::gpipe, 0, 1, 8}), "");
  EXPECT_NE(fault_of({policy::gpipe, 4, 1, 0}), "");
  EXPECT_EQ(fault_of({policy::interleaved, 4, 2, 7}), "");
  EXPECT_EQ(fault_of({policy::gpipe, 4, 1, 1}), "");
}

TEST(pipeline_plan_test, has_every_unit_once_in_each_order) {
  for (const auto& x : every_plan(4, 3, 9, 2)) {
    const auto all = x.units() * x.steps;
    std::set<std::pair<std::uint32_t, std::uint64_t>> forth;
    std::set<std::pair<std::uint32_t, std::uint64_t>> back;
    for (std::uint64_t i = 0; i < all; ++i) {
      const auto f = forward_at(x, i);
      const auto b = backward_at(x, i);
      forth.emplace(f.chunk, f.micro_batch);
      back.emplace(b.chunk, b.micro_batch);

      ASSERT_EQ(forward_position(x, f), i) << name_of(x);
      ASSERT_EQ(backward_position(x, b), i) << name_of(x);
    }
    ASSERT_EQ(forth.size(), all) << name_of(x);
    ASSERT_EQ(back, forth) << name_of(x);
  }
}

TEST(pipeline_plan_test, passes_chunks_by_groups_that_fill_the_ranks) {
  const plan x{policy::interleaved, 2, 2, 3};
  std::vector<unit> forth;
  std::vector<unit> back;

  for (std::uint64_t i = 0; i < x.units(); ++i) {
    forth.push_back(forward_at(x, i));
    back.push_back(backward_at(x, i));
  }

  EXPECT_EQ(forth,
      (std::vector<unit>{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 2}, {1, 2}}));
  EXPECT_EQ(back,
      (std::vector<unit>{{1, 0}, {1, 1}, {0, 0}, {0, 1}, {1, 2}, {0, 2}}));
}

TEST(pipeline_plan_test, gives_every_virtual_stage_a_credit) {
  for (const auto& x : every_plan(4, 3, 9, 1))
    for (std::uint32_t rank = 0; rank < x.ranks; ++rank) {
      std::uint64_t traces = 0;
      for (std::uint32_t chunk = 0; chunk < x.chunks; ++chunk) {
        const auto one = traces_of(x, rank, chunk);
        traces += one;

        ASSERT_GE(one, 1u) << name_of(x);
        ASSERT_GE(credits_of(x, rank, chunk), one) << name_of(x);
        ASSERT_LE(credits_of(x, rank, chunk), x.micro_batches) << name_of(x);
      }
      ASSERT_GE(traces, most_held(x, rank)) << name_of(x);
    }
}

TEST(pipeline_plan_test, goes_by_weights_of_one_step_before_in_2bw_only) {
  const plan stale{policy::two_bw, 2, 1, 4, 3};
  const plan fresh{policy::one_f_one_b, 2, 1, 4, 3};

  EXPECT_EQ(version_of(stale, 3), 0u);
  EXPECT_EQ(version_of(stale, 4), 0u);
  EXPECT_EQ(version_of(stale, 8), 1u);
  EXPECT_EQ(version_of(fresh, 4), 1u);
  EXPECT_EQ(version_of(fresh, 8), 2u);
}

} // namespace
} // namespace troupe::pipeline
