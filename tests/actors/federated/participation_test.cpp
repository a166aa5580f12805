// Clients and slots that come and go while a run goes on.

#include <gmock/gmock.h>

#include "protocols/participation.hpp"
#include "tests/actors/rehearsed_run.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct participation_test : rehearsed_run {
  static aggregator_options patient(std::size_t clients, duration patience) {
    auto options = one_round(clients);
    options.patience = patience;
    return options;
  }
  void join(client_id client) {
    stage.tell(aggregator,
        enrol{client, 10, newcomers.emplace_back(stage).as<worker>()});
  }
  template <class Handle>
  slot_id give(const Handle& slot) {
    stage.tell(aggregator, lend{{{slot, 0, {}}}});
    pass(100ms);
    return told<facts::slot_joined>().back().slot;
  }
  /// The client that trains there; the last one if none does.
  client_id at(extra& slot) {
    client_id c = 0;
    while (c + 1 < workers.size() && offer_to(c).on != slot.as<compute>())
      ++c;
    return c;
  }
  client_id without_offer() {
    client_id c = 0;
    while (c + 1 < workers.size() && !workers[c].heard<seated_offer>().empty())
      ++c;
    return c;
  }
  std::deque<extra> newcomers;
};

TEST_F(
    participation_test, a_run_begins_with_nobody_and_says_what_it_waits_for) {
  begin_run(patient(0, 60s));
  pass(200ms);
  ASSERT_EQ(told<facts::waiting>().size(), 1u);
  EXPECT_EQ(told<facts::waiting>()[0].needs, "clients");

  join(0);

  EXPECT_EQ(newcomers[0].heard<seated_offer>().size(), 1u);
}

TEST_F(participation_test, a_run_waits_for_its_quorum) {
  auto options = patient(0, 60s);
  options.quorum = 2;
  begin_run(options);

  join(0);
  EXPECT_TRUE(newcomers[0].heard<seated_offer>().empty());
  join(1);

  EXPECT_EQ(newcomers[0].heard<seated_offer>().size(), 1u);
  EXPECT_EQ(newcomers[1].heard<seated_offer>().size(), 1u);
}

TEST_F(participation_test, a_run_fails_whose_patience_is_over) {
  begin_run(patient(0, 60s));

  pass(61s);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(end().why, HasSubstr("no client is left"));
}

TEST_F(participation_test, a_run_without_patience_does_not_wait) {
  begin_run(one_round(0));
  pass(200ms);

  EXPECT_EQ(end().outcome, "failed");
}

TEST_F(participation_test, a_run_that_waits_can_be_interrupted) {
  begin_run(patient(0, 60s));

  stage.tell(aggregator, interrupt{});
  pass(1s);

  EXPECT_EQ(end().outcome, "interrupted");
}

TEST_F(participation_test, a_client_that_leaves_is_not_waited_for) {
  begin_run(one_round());

  stage.tell(aggregator, leave{1});
  EXPECT_TRUE(is_stopped(1));
  train(0);
  pass(200ms);

  EXPECT_EQ(told<facts::client_left>().size(), 1u);
  EXPECT_EQ(sums.heard<publish>().size(), 1u);
}

// The old worker's task is to stop, and its slot goes on with the other's.
TEST_F(participation_test, a_client_that_enrols_with_another_worker_has_left) {
  begin_run(patient(2, 60s));
  auto& slot = offer_to(1).on == first.as<compute>() ? first : second;

  join(1);
  EXPECT_TRUE(is_stopped(1));
  ASSERT_EQ(slot.heard<train_task>().size(), 1u);
  give_up(1, errc::stopped);
  train(0);
  pass(200ms);

  EXPECT_EQ(told<facts::client_left>().size(), 1u);
  EXPECT_EQ(told<facts::client_joined>().size(), 1u);
  EXPECT_TRUE(told<facts::slot_lost>().empty());
  EXPECT_EQ(sums.heard<publish>().size(), 1u);
}

TEST_F(participation_test, a_slot_is_not_held_up_by_a_client_that_left) {
  begin_run(one_round());
  const auto left = offer_to(1);

  stage.tell(aggregator, leave{1});

  auto& slot = left.on == first.as<compute>() ? first : second;
  ASSERT_EQ(slot.heard<train_task>().size(), 1u);
  EXPECT_EQ(slot.heard<train_task>()[0].turn, left.turn);
}

TEST_F(participation_test, a_run_that_all_have_left_goes_on_with_who_joins) {
  auto options = patient(2, 60s);
  options.rule = federated::fedavg{{.rounds = 3}, 1.0};
  begin_run(std::move(options));
  for (client_id c = 0; c < 2; ++c) {
    stage.tell(aggregator, leave{c});
    give_up(c, errc::stopped);
  }
  pass(200ms);
  ASSERT_EQ(told<facts::run_ended>().size(), 0u);

  join(7);

  EXPECT_EQ(newcomers[0].heard<seated_offer>().size(), 1u);
}

TEST_F(participation_test, leases_wait_for_a_slot) {
  slots.clear();
  begin_run(patient(2, 60s));
  pass(200ms);
  ASSERT_EQ(told<facts::waiting>().size(), 1u);
  EXPECT_EQ(told<facts::waiting>()[0].needs, "compute slots");

  give(first.as<compute>());

  EXPECT_EQ(workers[0].heard<seated_offer>().size() +
                workers[1].heard<seated_offer>().size(),
      1u);
}

TEST_F(participation_test, a_slot_that_is_lent_is_used_at_once) {
  extra third{stage};
  begin_run(one_round(3));
  const auto last = without_offer();
  EXPECT_TRUE(workers[last].heard<seated_offer>().empty());

  EXPECT_EQ(give(third.as<compute>()), 2u);

  ASSERT_EQ(workers[last].heard<seated_offer>().size(), 1u);
  EXPECT_EQ(offer_to(last).on, third.as<compute>());
}

TEST_F(participation_test, a_slot_that_is_withdrawn_finishes_what_it_has) {
  begin_run(one_round(3));
  const auto last = without_offer();
  const auto at_second = at(second);

  stage.tell(aggregator, withdraw{0});
  pass(200ms);
  EXPECT_TRUE(told<facts::slot_left>().empty());
  train(at(first));
  pass(200ms);

  EXPECT_EQ(told<facts::slot_left>().size(), 1u);
  EXPECT_TRUE(workers[last].heard<seated_offer>().empty());
  train(at_second);
  EXPECT_EQ(offer_to(last).on, second.as<compute>());
}

TEST_F(participation_test, the_death_of_a_slot_that_has_left_is_no_loss) {
  begin_run(one_round(2));
  stage.tell(aggregator, withdraw{0});
  train_both();

  kill(first, "switched off");
  pass(200ms);

  EXPECT_TRUE(told<facts::slot_lost>().empty());
}

TEST_F(participation_test, a_slot_that_is_lent_scores_too) {
  extra third{stage};
  begin_run(one_round(2), true);
  give(third.as<compute>());
  train_both();

  make_version();

  EXPECT_EQ(first.heard<evaluate_task>().size() +
                second.heard<evaluate_task>().size() +
                third.heard<evaluate_task>().size(),
      2u);
}

} // namespace
} // namespace troupe::tests
