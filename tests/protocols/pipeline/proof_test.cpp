#include "tests/protocols/pipeline/broken_twins.hpp"
#include "tests/protocols/pipeline/every_order.hpp"
#include "tests/protocols/pipeline/every_plan.hpp"

#include <gtest/gtest.h>

namespace troupe::pipeline {
namespace {

using tests::every_order;
using tests::every_plan;
using tests::name_of;

// All that the rules say is looked at in each state: nobody waits for ever,
// each work once, in its order and after what it needs, no more held, kept or
// sent than there is room for, and the weights that belong to a micro-batch.
TEST(pipeline_proof_test, holds_in_every_order_for_3_ranks_and_2_chunks) {
  std::size_t states = 0;
  for (const auto& each : every_plan(3, 2, 5, 1)) {
    const every_order<> all{each};

    ASSERT_EQ(all.fault(), "") << name_of(each);
    ASSERT_EQ(all.ends(), 1u) << name_of(each);
    states += all.states();
  }

  EXPECT_GT(states, 150'000u);
}

TEST(pipeline_proof_test, holds_in_every_order_from_step_to_step) {
  for (const auto& each : every_plan(3, 2, 3, 3)) {
    const every_order<> all{each};

    ASSERT_EQ(all.fault(), "") << name_of(each);
    ASSERT_EQ(all.ends(), 1u) << name_of(each);
  }
}

constexpr plan one_by_one{policy::one_f_one_b, 3, 1, 5, 1};
constexpr plan in_two_chunks{policy::interleaved, 3, 2, 3, 1};

TEST(pipeline_proof_test, finds_gradients_that_wait_for_room) {
  EXPECT_EQ((every_order<>{one_by_one, false}.fault()), "all wait for ever");
  EXPECT_EQ((every_order<>{in_two_chunks, false}.fault()), "all wait for ever");
}

TEST(pipeline_proof_test, finds_a_rank_without_a_limit) {
  broken::has_no_limit first{one_by_one, 0};
  while (const auto what = first.next())
    first.finish(*what);

  EXPECT_EQ(first.held(), one_by_one.micro_batches);
  EXPECT_EQ(every_order<broken::has_no_limit>{one_by_one}.fault(),
      "rank 0 has 4 traces of a chunk");
}

TEST(pipeline_proof_test, finds_activations_without_a_credit) {
  EXPECT_EQ(every_order<broken::needs_no_credit>{in_two_chunks}.fault(),
      "rank 2 is sent more than it has credits");
}

TEST(pipeline_proof_test, finds_credits_that_are_lost) {
  EXPECT_EQ(every_order<broken::loses_credits>{one_by_one}.fault(),
      "all wait for ever");
}

TEST(pipeline_proof_test, finds_a_rank_that_waits_for_more_than_it_holds) {
  const plan all_at_once{policy::gpipe, 2, 1, 3, 1};

  EXPECT_EQ(every_order<broken::has_too_little_room>{all_at_once}.fault(),
      "all wait for ever");
}

TEST(pipeline_proof_test, finds_a_backward_without_its_gradient) {
  EXPECT_EQ(
      every_order<broken::does_not_wait_for_gradients>{one_by_one}.fault(),
      "rank 1 takes micro-batch 0 from where it is not");
}

TEST(pipeline_proof_test, finds_a_weight_that_is_left_out) {
  const plan split{policy::zb_h1, 2, 1, 3, 1};

  EXPECT_EQ(every_order<broken::forgets_a_weight>{split}.fault(),
      "rank 1 updates by a gradient that is not whole");
  EXPECT_EQ(every_order<broken::goes_by<policy::one_f_one_b>>{split}.fault(),
      "rank 0 keeps 3");
}

TEST(pipeline_proof_test, finds_gradients_in_another_order) {
  const plan by_chunks{policy::gpipe, 1, 2, 2, 1};

  EXPECT_EQ(
      every_order<broken::goes_by<policy::interleaved>>{by_chunks}.fault(),
      "rank 0 adds gradients in another order");
}

TEST(pipeline_proof_test, finds_a_step_that_begins_too_early) {
  auto two_steps = one_by_one;
  two_steps.steps = 2;

  EXPECT_EQ(every_order<broken::goes_by<policy::two_bw>>{two_steps}.fault(),
      "rank 0 begins with weights that are not made");
}

} // namespace
} // namespace troupe::pipeline
