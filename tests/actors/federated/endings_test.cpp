// Ends of runs in which something else happens.

#include <limits>

#include <gmock/gmock.h>

#include "tests/actors/rehearsed_run.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

using endings_test = rehearsed_run;

TEST_F(endings_test, a_run_fails_whose_last_version_cannot_be_evaluated) {
  begin_run(one_round());
  train_both();
  make_version();
  store_version();
  ASSERT_EQ(evaluator.heard<evaluate>().size(), 1u);
  EXPECT_TRUE(told<facts::run_ended>().empty());

  stage.tell(aggregator, scored{1, {}, 0.0, 0.0,
                             caf::make_error(errc::evaluation_failed,
                                 std::string{"no test set"})});

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(
      end().why, HasSubstr("version 1 could not be evaluated: no test set"));
}

TEST_F(endings_test, a_run_fails_whose_slots_die_in_the_last_evaluation) {
  begin_run(one_round(), true);
  train_both();
  make_version();
  store_version();
  ASSERT_EQ(first.heard<evaluate_task>().size(), 1u);

  kill(first, "cuda:0: gone");
  EXPECT_EQ(second.heard<evaluate_task>().size(), 1u);
  kill(second, "cuda:1: gone");
  pass(5s);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(end().why, HasSubstr("could not be evaluated"));
}

TEST_F(endings_test, a_slot_that_dies_in_the_last_evaluation_is_one_less) {
  begin_run(one_round(), true);
  train_both();
  make_version();
  store_version();

  kill(first, "cuda:0: gone");
  for (std::size_t i = 0; i < second.heard<evaluate_task>().size(); ++i)
    stage.tell(scores, evaluated_part{second.heard<evaluate_task>()[i].part,
                           {10, 5, 0.5}, 0.0, {}});
  pass(1s);

  EXPECT_EQ(end().outcome, "completed");
  ASSERT_EQ(told<facts::evaluated>().size(), 1u);
  EXPECT_EQ(told<facts::evaluated>()[0].samples, 20u);
}

TEST_F(endings_test, an_interrupted_run_ends_without_a_shard_that_died) {
  begin_run(one_round());
  train_both();
  ASSERT_EQ(sums.heard<publish>().size(), 1u);
  stage.tell(aggregator, interrupt{});
  EXPECT_TRUE(told<facts::run_ended>().empty());

  kill(sums, "no memory");
  pass(5s);

  EXPECT_EQ(end().outcome, "interrupted");
  EXPECT_EQ(end().version, 0u);
}

TEST_F(endings_test, a_run_fails_whose_evaluator_dies_over_the_last_version) {
  begin_run(one_round());
  train_both();
  make_version();
  store_version();

  kill(evaluator, "no memory");
  pass(5s);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(end().why, HasSubstr("evaluator"));
  EXPECT_THAT(end().why, HasSubstr("no memory"));
}

TEST_F(endings_test, a_run_fails_whose_last_version_cannot_be_stored) {
  begin_run(one_round());
  train_both();
  make_version();

  stage.tell(aggregator, storage_failed{"the disk is full"});
  stage.tell(aggregator, scored{1, {20, 10, 0.5}, 0.0, 0.0, {}});
  pass(5s);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(end().why, HasSubstr("the disk is full"));
}

TEST_F(endings_test, an_interrupted_run_waits_for_no_score) {
  begin_run(one_round(), true);
  train_both();
  make_version();
  store_version();
  ASSERT_EQ(first.heard<evaluate_task>().size(), 1u);

  stage.tell(aggregator, interrupt{});
  pass(1s);
  EXPECT_TRUE(first.heard<evaluate_task>()[0].stop.stop_requested());
  for (auto* slot : {&first, &second})
    stage.tell(scores, evaluated_part{slot->heard<evaluate_task>()[0].part, {},
                           0.0, caf::make_error(errc::stopped)});

  EXPECT_EQ(end().outcome, "interrupted");
}

TEST_F(endings_test, a_dead_shard_is_named) {
  begin_run(one_round());

  kill(sums, "no memory");
  for (client_id c = 0; c < 2; ++c)
    give_up(c, errc::stopped);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(end().why, HasSubstr("the shard has died: no memory"));
}

TEST_F(endings_test, an_aggregator_that_dies_stops_its_learners) {
  begin_run(one_round());
  ASSERT_FALSE(is_stopped(0));

  stage.tell(caf::actor_cast<caf::actor>(aggregator),
      caf::exit_msg{{}, caf::exit_reason::kill});

  EXPECT_TRUE(is_stopped(0));
}

TEST_F(endings_test, a_dead_shard_of_several_is_named) {
  extra other{stage};
  begin_run(one_round(), {sums.as<shard>(), other.as<shard>()});

  kill(other, "no memory");
  for (client_id c = 0; c < 2; ++c)
    give_up(c, errc::stopped);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(end().why, HasSubstr("the shard 2 of 2 has died: no memory"));
}

TEST_F(endings_test, a_version_is_out_once_every_shard_has_rounded) {
  extra other{stage};
  begin_run(one_round(), {sums.as<shard>(), other.as<shard>()});
  train_both();
  ASSERT_EQ(other.heard<add>().size(), 2u);
  ASSERT_EQ(other.heard<publish>().size(), 1u);
  EXPECT_EQ(other.heard<publish>()[0].into, sums.heard<publish>()[0].into);

  stage.tell(aggregator, added{1, {0, 0}});
  stage.tell(aggregator, published{1, 1});
  pass(1s);
  EXPECT_TRUE(told<facts::published>().empty());
  stage.tell(aggregator, published{1, 0});
  pass(1s);

  EXPECT_EQ(told<facts::published>().size(), 1u);
}

struct divergence_test : rehearsed_run, testing::WithParamInterface<float> {};

TEST_P(divergence_test, an_update_that_a_shard_could_not_add_goes_to_none) {
  extra other{stage};
  begin_run(one_round(), {sums.as<shard>(), other.as<shard>()});
  train(0, 1.0);

  finish(1, 3.0, GetParam());
  stage.tell(aggregator, added{1, {0}});
  for (shard_id i : {0, 1})
    stage.tell(aggregator, published{1, i});
  pass(1s);

  EXPECT_EQ(sums.heard<add>().size(), 1u);
  EXPECT_EQ(other.heard<add>().size(), 1u);
  ASSERT_EQ(told<facts::published>().size(), 1u);
  EXPECT_EQ(told<facts::published>()[0].updates, 1u);
  EXPECT_EQ(told<facts::published>()[0].total_updates, 1u);
  EXPECT_EQ(told<facts::published>()[0].loss, 1.0);
  ASSERT_EQ(told<facts::client_failed>().size(), 1u);
  EXPECT_EQ(told<facts::client_failed>()[0].code, "update_not_finite");
}

INSTANTIATE_TEST_SUITE_P(magnitudes, divergence_test,
    testing::Values(std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::infinity(), 1e9f));

} // namespace
} // namespace troupe::tests
