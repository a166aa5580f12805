#include "actors/federated/evaluator.hpp"

#include <gtest/gtest.h>

#include "protocols/errc.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {
namespace {

struct evaluator_test : testing::Test {
  rehearsal stage;
  extra aggregator{stage};
  extra first{stage};
  extra second{stage};
  troupe::evaluator evaluator;

  evaluator_test() {
    evaluator = stage.system().spawn<evaluator_impl>(
        evaluator_options{blank_samples(25), 10,
            {{first.as<compute>(), 0, {}}, {second.as<compute>(), 0, {}}},
            aggregator.as<troupe::aggregator>()});
    stage.run();
  }
  ~evaluator_test() override {
    caf::anon_send_exit(evaluator, caf::exit_reason::user_shutdown);
  }
  void ask(version_id version) {
    stage.tell(
        evaluator, evaluate{version, std::make_shared<const gpu::buffer>(1)});
  }
  void answer(std::uint64_t part, std::uint64_t samples) {
    stage.tell(evaluator, evaluated_part{part, {samples, 1, 0.5}, 0.25, {}});
  }
};

TEST_F(evaluator_test, keeps_a_part_at_every_slot) {
  ask(1);

  ASSERT_EQ(first.heard<evaluate_task>().size(), 1u);
  ASSERT_EQ(second.heard<evaluate_task>().size(), 1u);
  EXPECT_EQ(first.heard<evaluate_task>()[0].data.size(), 10u);

  answer(1, 10);
  ASSERT_EQ(second.heard<evaluate_task>().size(), 2u);
  EXPECT_EQ(second.heard<evaluate_task>()[1].data.size(), 5u);
}

TEST_F(evaluator_test, sums_up_all_parts) {
  ask(1);
  answer(0, 10);
  answer(1, 10);
  EXPECT_TRUE(aggregator.heard<scored>().empty());
  answer(2, 5);

  auto results = aggregator.heard<scored>();
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].version, 1u);
  EXPECT_EQ(results[0].sums.samples, 25u);
  EXPECT_EQ(results[0].sums.correct, 3u);
  EXPECT_EQ(results[0].cpu_seconds, 0.75);
}

TEST_F(evaluator_test, gives_a_lost_slots_part_to_another) {
  ask(1);
  stage.tell(evaluator, slot_gone{0});
  EXPECT_TRUE(first.heard<evaluate_task>()[0].stop.stop_requested());
  answer(1, 10);
  answer(0, 10); // by the first slot after all: nobody waits for it any more
  answer(2, 10); // by the second slot
  EXPECT_TRUE(aggregator.heard<scored>().empty());
  answer(3, 5);

  EXPECT_EQ(second.heard<evaluate_task>().size(), 3u);
  ASSERT_EQ(aggregator.heard<scored>().size(), 1u);
  EXPECT_EQ(aggregator.heard<scored>()[0].sums.samples, 25u);
}

TEST_F(evaluator_test, uses_a_slot_that_is_back) {
  stage.tell(evaluator, slot_gone{0});
  ask(1);
  EXPECT_TRUE(first.heard<evaluate_task>().empty());

  stage.tell(evaluator, slot_back{0});

  EXPECT_EQ(first.heard<evaluate_task>().size(), 1u);
}

/// One that begins without a slot, in a cluster.
struct patient_evaluator_test : evaluator_test {
  patient_evaluator_test() {
    using namespace std::chrono_literals;
    caf::anon_send_exit(evaluator, caf::exit_reason::user_shutdown);
    evaluator = stage.system().spawn<evaluator_impl>(evaluator_options{
        blank_samples(25), 10, {}, aggregator.as<troupe::aggregator>(), 10s});
    stage.run();
  }
  void lend(extra& one) {
    stage.tell(evaluator, slots_lent{{{one.as<compute>(), 0, {}}}});
  }
};

TEST_F(patient_evaluator_test, waits_for_a_slot) {
  using namespace std::chrono_literals;
  ask(1);
  stage.pass(9s);
  EXPECT_TRUE(aggregator.heard<scored>().empty());

  lend(first);
  EXPECT_EQ(first.heard<evaluate_task>().size(), 1u);
  stage.tell(evaluator, slot_gone{0});
  stage.pass(9s);
  lend(second);

  EXPECT_EQ(second.heard<evaluate_task>().size(), 1u);
  EXPECT_TRUE(aggregator.heard<scored>().empty());
}

TEST_F(patient_evaluator_test, fails_when_none_comes) {
  using namespace std::chrono_literals;
  ask(1);

  stage.pass(10s);

  ASSERT_EQ(aggregator.heard<scored>().size(), 1u);
  EXPECT_EQ(aggregator.heard<scored>()[0].failed, errc::no_slots);
}

TEST_F(patient_evaluator_test, is_called_off_while_it_waits) {
  using namespace std::chrono_literals;
  ask(1);

  stage.tell(evaluator, interrupt{});

  ASSERT_EQ(aggregator.heard<scored>().size(), 1u);
  EXPECT_EQ(aggregator.heard<scored>()[0].failed, errc::stopped);
  stage.pass(20s);
  EXPECT_EQ(aggregator.heard<scored>().size(), 1u);
}

TEST_F(evaluator_test, fails_when_no_slot_is_left) {
  ask(1);
  stage.tell(evaluator, slot_gone{0});
  EXPECT_TRUE(aggregator.heard<scored>().empty());
  stage.tell(evaluator, slot_gone{1});
  ask(2);

  auto results = aggregator.heard<scored>();
  ASSERT_EQ(results.size(), 2u);
  for (const auto& each : results)
    EXPECT_EQ(each.failed, errc::no_slots);
}

TEST_F(evaluator_test, gives_up_all_versions_when_interrupted) {
  ask(1);
  ask(2);
  answer(0, 10);
  stage.tell(evaluator, interrupt{});
  EXPECT_TRUE(second.heard<evaluate_task>()[0].stop.stop_requested());
  EXPECT_TRUE(
      aggregator.heard<scored>().empty()); // both slots are at a part yet
  answer(2, 10);
  stage.tell(evaluator, slot_gone{1});
  ask(3);

  auto results = aggregator.heard<scored>();
  ASSERT_EQ(results.size(), 3u);
  for (version_id v = 1; v <= 3; ++v) {
    EXPECT_EQ(results[v - 1].version, v);
    EXPECT_EQ(results[v - 1].failed, errc::stopped);
  }
}

TEST_F(evaluator_test, says_which_slot_is_at_a_part) {
  ask(1);
  stage.tell(evaluator, part_begun{1, true});
  stage.tell(evaluator, part_begun{9, true}); // no such task
  answer(1, 10);

  auto said = aggregator.heard<slot_scoring>();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].slot, 1u);
  EXPECT_TRUE(said[0].busy);
  EXPECT_TRUE(said[0].alone);
  EXPECT_EQ(said[1].slot, 1u);
  EXPECT_FALSE(said[1].busy);
}

TEST_F(evaluator_test, stops_what_is_under_way_when_it_dies) {
  ask(1);
  auto stop = first.heard<evaluate_task>()[0].stop;

  stage.tell(caf::actor_cast<caf::actor>(evaluator),
      caf::exit_msg{{}, caf::exit_reason::kill});

  EXPECT_TRUE(stop.stop_requested());
}

TEST_F(evaluator_test, counts_no_answer_twice) {
  ask(1);
  answer(0, 10);
  answer(0, 10);
  answer(1, 10);

  EXPECT_TRUE(aggregator.heard<scored>().empty());
}

TEST_F(evaluator_test, reports_a_part_that_failed_and_goes_on) {
  ask(1);
  ask(2);
  stage.tell(evaluator,
      evaluated_part{0, {}, 0.0, caf::make_error(errc::evaluation_failed)});
  EXPECT_TRUE(aggregator.heard<scored>().empty());
  EXPECT_TRUE(second.heard<evaluate_task>()[0].stop.stop_requested());
  stage.tell(
      evaluator, evaluated_part{1, {}, 0.0, caf::make_error(errc::stopped)});
  ASSERT_EQ(aggregator.heard<scored>().size(), 1u);
  EXPECT_EQ(aggregator.heard<scored>()[0].failed, errc::evaluation_failed);

  for (std::uint64_t part = 2; part < 5; ++part)
    answer(part, 5);

  ASSERT_EQ(aggregator.heard<scored>().size(), 2u);
  EXPECT_EQ(aggregator.heard<scored>()[1].version, 2u);
  EXPECT_EQ(aggregator.heard<scored>()[1].sums.samples, 15u);
}

} // namespace
} // namespace troupe::tests
