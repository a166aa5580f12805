// Slots that are busy, late or dead, and the leases that they held.

#include <gmock/gmock.h>

#include "actors/computing/compute.hpp"
#include "tests/actors/rehearsed_run.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct slots_test : rehearsed_run {
  /// Four clients, two at each slot, ten seconds a lease.
  void begin_four() {
    auto options = one_round(4, 10s);
    options.depth = 2;
    begin_run(std::move(options));
    for (client_id c = 0; c < 4; ++c) {
      ASSERT_EQ(workers[c].heard<seated_offer>().size(), 1u);
      at[offer_to(c).on == first.as<compute>() ? 0 : 1].push_back(c);
    }
    for (auto& each : at)
      std::ranges::sort(
          each, {}, [this](client_id c) { return offer_to(c).turn; });
  }
  std::vector<client_id>
      at[2]; ///< the clients at a slot, the running one first
  std::vector<client_id> failed() {
    std::vector<client_id> result;
    for (const auto& each : told<facts::client_failed>())
      result.push_back(each.client);
    return result;
  }
};

TEST_F(slots_test, a_part_of_the_test_set_is_charged_to_no_client) {
  begin_four();
  stage.tell(aggregator, slot_scoring{0, true, true});
  pass(8s);
  stage.tell(aggregator, slot_scoring{0, false, true});
  pass(3s); // the second slot's client has overrun by now

  EXPECT_EQ(failed(), std::vector<client_id>{at[1][0]});
  EXPECT_EQ(told<facts::client_failed>()[0].code, "lease_overrun");
  give_up(at[1][0], errc::stopped);
  train(at[1][1]);
  pass(6s); // fifteen seconds in all, nine since the part

  EXPECT_FALSE(is_stopped(at[0][0]));
  pass(1100ms);
  EXPECT_TRUE(is_stopped(at[0][0]));
}

TEST_F(slots_test, a_lease_beside_which_a_part_is_scored_has_its_own_time) {
  begin_four();
  stage.tell(aggregator, slot_scoring{0, true, false});
  pass(9s);
  stage.tell(aggregator, slot_scoring{0, false, false});
  pass(1100ms);

  EXPECT_EQ(failed().size(), 2u);
}

TEST_F(slots_test, what_waits_at_a_lost_slot_is_stopped_and_leased_again) {
  begin_four();
  const auto behind = at[0][1];
  const auto before = offer_to(behind).lease;
  for (auto c : at[1])
    train(c);

  pass(11100ms);

  ASSERT_EQ(told<facts::slot_lost>().size(), 1u);
  EXPECT_TRUE(is_stopped(behind, before));
  ASSERT_EQ(told<facts::requeued>().size(), 1u);
  EXPECT_EQ(told<facts::requeued>()[0].client, behind);
  EXPECT_FALSE(is_stopped(behind));
}

TEST_F(slots_test, a_slot_that_answers_late_is_used_again) {
  slots.pop_back(); // one slot
  begin_run(one_round(3, 10s));
  client_id late = 0;
  while (workers[late].heard<seated_offer>().empty())
    ++late;
  pass(11100ms);
  ASSERT_EQ(told<facts::slot_lost>().size(), 1u);
  ASSERT_EQ(told<facts::slot_lost>()[0].client, late);
  EXPECT_TRUE(told<facts::run_ended>().empty()); // it may return yet

  give_up(late, errc::stopped);
  pass(200ms);

  ASSERT_EQ(told<facts::slot_returned>().size(), 1u);
  EXPECT_EQ(told<facts::slot_returned>()[0].slot, 0u);
  EXPECT_EQ(evaluator.heard<slot_gone>().size(), 0u);
  EXPECT_EQ(evaluator.heard<slot_back>().size(), 1u);
  std::size_t offers = 0;
  for (const auto& each : workers)
    offers += each.heard<seated_offer>().size();
  EXPECT_EQ(offers, 2u);
  pass(5s);
  EXPECT_TRUE(told<facts::run_ended>().empty());
}

TEST_F(slots_test, a_run_ends_whose_last_slot_does_not_return) {
  begin_four();

  pass(11100ms);
  EXPECT_EQ(told<facts::slot_lost>().size(), 2u);
  EXPECT_TRUE(told<facts::run_ended>().empty());
  pass(1s);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(end().why, HasSubstr("no compute slot is left: the learner of"));
}

TEST_F(slots_test, a_device_that_dies_loses_its_slots_and_nothing_else) {
  begin_four();
  kill(first, "cuda:0: gone");
  for (auto c : at[1])
    train(c);
  for (auto c : at[0]) {
    ASSERT_EQ(workers[c].heard<seated_offer>().size(), 2u);
    EXPECT_TRUE(is_stopped(c, workers[c].heard<seated_offer>()[0].lease));
    EXPECT_EQ(offer_to(c).on, second.as<compute>());
    train(c);
  }
  pass(200ms);

  EXPECT_EQ(told<facts::accepted>().size(), 4u);
  EXPECT_TRUE(failed().empty());
  EXPECT_EQ(told<facts::requeued>().size(), 2u);
  ASSERT_EQ(told<facts::slot_lost>().size(), 1u);
  EXPECT_EQ(told<facts::slot_lost>()[0].slot, 0u);
  EXPECT_EQ(told<facts::slot_lost>()[0].why, "cuda:0: gone");
  EXPECT_EQ(sums.heard<publish>().size(), 1u);
}

TEST_F(slots_test, the_last_device_that_dies_ends_the_run_at_once) {
  begin_four();

  kill(first, "cuda:0: gone");
  kill(second, "cuda:1: gone");

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_EQ(end().why, "no compute slot is left: cuda:1: gone");
}

// Nobody knows whether the worker has sent its task on.
TEST_F(slots_test, a_worker_that_dies_leaves_no_gap_in_the_turns_of_its_slot) {
  begin_four();
  const auto lost = offer_to(0);
  auto& slot = lost.on == first.as<compute>() ? first : second;

  kill(workers[0], "no memory");
  pass(200ms);

  auto tasks = slot.heard<train_task>();
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].turn, lost.turn);
  EXPECT_EQ(tasks[0].lease, lost.lease);
  EXPECT_TRUE(tasks[0].stop.stop_requested());
  ASSERT_EQ(told<facts::client_failed>().size(), 1u);
  EXPECT_EQ(
      told<facts::client_failed>()[0].why, "its worker has died: no memory");

  give_up(0, errc::stopped);
  for (client_id c = 1; c < 4; ++c)
    train(c);
  pass(200ms);
  EXPECT_EQ(told<facts::accepted>().size(), 3u);
  EXPECT_EQ(sums.heard<publish>().size(), 1u);
}

struct compute_test : testing::Test {
  rehearsal stage;
  extra aggregator{stage};
  extra evaluator{stage};
  int doubts = 0;
  compute slot = stage.system().spawn<compute_impl>(
      gpu::device{}, small_learners(3, {}, [this](std::stop_token) {
        ++doubts;
        during.request_stop();
      }));
  std::stop_source during{std::nostopstate};

  ~compute_test() override {
    caf::anon_send_exit(slot, caf::exit_reason::user_shutdown);
  }
  void train(lease_id lease, std::uint64_t turn, std::stop_token stop = {}) {
    train_task task;
    task.lease = lease;
    task.parameters = std::make_shared<const gpu::buffer>(3);
    task.reply_to = aggregator.as<troupe::aggregator>();
    task.turn = turn;
    task.stop = std::move(stop);
    stage.tell(slot, std::move(task));
  }
  void score(std::stop_token stop) {
    stage.tell(slot, evaluate_task{7, blank_samples(10),
                         std::make_shared<const gpu::buffer>(3),
                         evaluator.as<troupe::evaluator>(), std::move(stop)});
  }
};

TEST_F(compute_test, takes_no_second_task_for_a_turn) {
  train(12, 1);
  train(22, 1);
  train(11, 0);
  train(21, 0);

  std::vector<lease_id> leases;
  for (const auto& each : aggregator.heard<update>())
    leases.push_back(each.result.lease);
  EXPECT_EQ(leases, (std::vector<lease_id>{11, 12}));
}

TEST_F(compute_test, says_when_a_part_begins) {
  score({});

  ASSERT_EQ(evaluator.heard<part_begun>().size(), 1u);
  EXPECT_EQ(evaluator.heard<part_begun>()[0].part, 7u);
  EXPECT_TRUE(evaluator.heard<part_begun>()[0].alone);
  ASSERT_EQ(evaluator.heard<evaluated_part>().size(), 1u);
  EXPECT_FALSE(evaluator.heard<evaluated_part>()[0].failed);
}

TEST_F(compute_test, says_that_a_part_was_stopped) {
  during = std::stop_source{};
  score(during.get_token());
  score(during.get_token());

  ASSERT_EQ(evaluator.heard<evaluated_part>().size(), 2u);
  EXPECT_EQ(evaluator.heard<evaluated_part>()[0].failed, errc::stopped);
  EXPECT_EQ(evaluator.heard<evaluated_part>()[1].failed, errc::stopped);
  EXPECT_EQ(evaluator.heard<part_begun>().size(), 1u);
  EXPECT_EQ(doubts, 1);
}

} // namespace
} // namespace troupe::tests
