#include "protocols/pipeline/stage.hpp"

#include "tests/protocols/clocks/saved.hpp"

#include <gtest/gtest.h>

namespace troupe::pipeline {
namespace {

using kind = work::kind;
using enum message::kind;

constexpr plan two_ranks{policy::one_f_one_b, 2, 1, 4};

work do_next(stage& at) {
  const auto what = at.next().value();
  at.finish(what);
  return what;
}

TEST(stage_test, goes_forward_until_the_ranks_behind_it_are_busy) {
  stage first{two_ranks, 0};

  EXPECT_EQ(do_next(first), (work{kind::forward, 0, 0}));
  EXPECT_EQ(do_next(first), (work{kind::forward, 0, 1}));
  EXPECT_FALSE(first.next());
  EXPECT_EQ(first.held(), 2u);
  EXPECT_EQ(first.in_use(0), 2u);
}

TEST(stage_test, answers_a_gradient_before_it_goes_on) {
  stage first{two_ranks, 0};
  do_next(first);
  do_next(first);

  ASSERT_EQ(first.arrive({gradient, 0, 0, 0}), drop_reason::none);

  EXPECT_EQ(do_next(first), (work{kind::backward, 0, 0}));
  EXPECT_EQ(do_next(first), (work{kind::forward, 0, 2}));
}

TEST(stage_test, sends_a_gradient_without_a_credit) {
  stage last{two_ranks, 1};
  last.arrive({activation, 1, 0, 0});
  do_next(last);
  const auto back = last.next().value();

  EXPECT_EQ(back, (work{kind::backward, 0, 0}));
  EXPECT_EQ(last.finish(back), (message{gradient, 0, 0, 0}));
}

TEST(stage_test, sends_from_the_last_rank_to_the_first_ones_next_chunk) {
  const plan chunks{policy::interleaved, 2, 2, 2};
  stage last{chunks, 1};
  last.arrive({activation, 1, 0, 0});
  const auto forth = last.next().value();

  EXPECT_EQ(last.finish(forth), (message{activation, 0, 1, 0}));
}

TEST(stage_test, keeps_what_comes_early_for_its_turn) {
  stage last{two_ranks, 1};

  EXPECT_EQ(last.arrive({activation, 1, 0, 1}), drop_reason::none);

  EXPECT_FALSE(last.next());
  EXPECT_EQ(last.waiting(), 1u);
  last.arrive({activation, 1, 0, 0});
  EXPECT_EQ(do_next(last), (work{kind::forward, 0, 0}));
}

TEST(stage_test, does_one_work_at_a_time) {
  stage first{two_ranks, 0};
  const auto what = first.next();

  EXPECT_FALSE(first.next());
  EXPECT_EQ(first.running(), what);
}

TEST(stage_test, names_what_it_did_not_expect) {
  stage last{two_ranks, 1};
  stage first{two_ranks, 0};
  const message one{activation, 1, 0, 0};

  EXPECT_EQ(last.arrive(one), drop_reason::none);
  EXPECT_EQ(last.arrive(one), drop_reason::duplicate);
  do_next(last);
  EXPECT_EQ(last.arrive(one), drop_reason::duplicate);
  EXPECT_EQ(last.arrive({activation, 0, 0, 1}), drop_reason::unknown);
  EXPECT_EQ(last.arrive({activation, 1, 1, 1}), drop_reason::unknown);
  EXPECT_EQ(last.arrive({activation, 1, 0, 4}), drop_reason::unknown);
  EXPECT_EQ(last.arrive({gradient, 1, 0, 0}), drop_reason::unknown);
  EXPECT_EQ(first.arrive({activation, 0, 0, 0}), drop_reason::unknown);
  EXPECT_EQ(first.arrive({gradient, 0, 0, 0}), drop_reason::unknown);
}

TEST(stage_test, takes_a_credit_back_once) {
  stage first{two_ranks, 0};
  do_next(first);

  EXPECT_EQ(first.arrive({gradient, 0, 0, 0}), drop_reason::none);
  EXPECT_EQ(first.arrive({gradient, 0, 0, 0}), drop_reason::duplicate);
  do_next(first);
  EXPECT_EQ(first.in_use(0), 1u);
  do_next(first);
  EXPECT_EQ(first.arrive({gradient, 0, 0, 0}), drop_reason::duplicate);
}

TEST(stage_test, updates_behind_the_last_gradient_and_begins_a_step_then) {
  stage alone{{policy::zb_h1, 1, 1, 1, 2}, 0};

  EXPECT_EQ(do_next(alone), (work{kind::forward, 0, 0}));
  EXPECT_EQ(do_next(alone), (work{kind::backward, 0, 0}));
  EXPECT_EQ(do_next(alone), (work{kind::weight, 0, 0}));
  EXPECT_EQ(do_next(alone), (work{kind::update, 0, 0}));
  EXPECT_EQ(do_next(alone), (work{kind::forward, 0, 1}));
  EXPECT_FALSE(alone.over());
  while (!alone.over())
    do_next(alone);
  EXPECT_FALSE(alone.next());
}

TEST(stage_test, goes_on_as_before_when_it_was_saved) {
  const plan chunks{policy::interleaved, 2, 2, 4};
  stage last{chunks, 1};
  last.arrive({activation, 1, 0, 1});
  last.arrive({activation, 1, 0, 0});
  do_next(last);
  last.next();

  auto again = clocks::reloaded(last);

  EXPECT_EQ(again, last);
}

TEST(stage_test, is_not_loaded_for_a_rank_that_its_plan_does_not_have) {
  const stage good{two_ranks, 1};
  auto bytes = clocks::save(good);
  stage into;

  bytes[1 + 4 + 4 + 4 + 8 + 3] = caf::byte{2}; // policy, plan, the rank's last

  EXPECT_FALSE(clocks::load(bytes, into));
}

} // namespace
} // namespace troupe::pipeline
