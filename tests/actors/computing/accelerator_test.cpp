// The actor alone, over a cohort that counts steps and fails as it is told to.

#include "actors/computing/accelerator.hpp"

#include <set>
#include <stdexcept>

#include <caf/scoped_actor.hpp>
#include <gmock/gmock.h>

#include "actors/clocks.hpp"
#include "actors/computing/guard.hpp"
#include "gpu/out_of_memory.hpp"
#include "protocols/errc.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/scripted_cohort.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

struct accelerator_test : testing::Test {
  rehearsal stage;
  extra clients{stage};
  extra evaluator{stage};
  accelerator device;
  std::vector<std::uint64_t> turns;
  gpu::shared_buffer parameters = std::make_shared<const gpu::buffer>(1);

  accelerator_test() { script_of_cohorts() = {}; }
  ~accelerator_test() override {
    caf::anon_send_exit(device, caf::exit_reason::user_shutdown);
  }

  void spawn(std::size_t lanes) {
    device = stage.system().spawn<accelerator_impl>(accelerator_options{
        models::softmax(4, 2), gpu::device{}, lanes, training::recipe{}});
    turns.assign(lanes, 0);
    stage.run();
  }
  // The lease is a hundred more than the client.
  train_task task(client_id client, std::uint32_t lane, std::uint32_t steps,
      std::stop_token stop = {}) {
    training::recipe how;
    how.steps = steps;
    return {100 + client, {client, 5, {}, how, gpu::random_stream{0}},
        parameters, clients.as<troupe::aggregator>(), lane, turns[lane]++,
        std::move(stop)};
  }
  void send(train_task what) { caf::anon_send(device, std::move(what)); }
  void ask_score(std::uint64_t part) {
    caf::anon_send(
        device, evaluate_task{part, blank_samples(10 + part), parameters,
                    evaluator.as<troupe::evaluator>(), {}});
  }
  static std::vector<trained> results(extra& who) {
    std::vector<trained> result;
    for (auto& each : who.heard<update>())
      result.push_back(each.result);
    return result;
  }
  std::vector<lease_id> trained_leases() {
    std::vector<lease_id> result;
    for (const auto& each : results(clients))
      result.push_back(each.lease);
    return result;
  }
  std::vector<failure> failures() { return clients.heard<failure>(); }
  const std::vector<std::string>& log() { return script_of_cohorts().log; }
  long count(const std::string& line) {
    return std::count(log().begin(), log().end(), line);
  }
};

TEST_F(accelerator_test, answers_every_task_once) {
  for (std::size_t lanes : {1, 3, 7}) {
    extra fresh{stage};
    script_of_cohorts() = {};
    spawn(lanes);
    for (client_id c = 0; c < 40; ++c) {
      auto one = task(c, c % std::uint32_t(lanes), 1 + 37 * (c % 3));
      one.reply_to = fresh.as<troupe::aggregator>();
      send(std::move(one));
    }
    stage.run();

    std::set<lease_id> leases;
    for (const auto& each : results(fresh)) {
      leases.insert(each.lease);
      EXPECT_EQ(each.base, 5u);
      EXPECT_EQ(each.outcome.steps,
          1 + 37 * ((each.lease - 100) % 3) + (each.lease - 100));
      EXPECT_EQ(each.delta, parameters);
      EXPECT_GE(each.seconds, 0.0);
    }
    EXPECT_EQ(leases.size(), 40u) << lanes << " lanes";
    EXPECT_EQ(results(fresh).size(), 40u);
    caf::anon_send_exit(device, caf::exit_reason::user_shutdown);
    stage.run();
  }
}

TEST_F(accelerator_test, takes_a_lanes_tasks_by_their_turn) {
  spawn(2);
  auto first = task(1, 0, 3);
  auto second = task(2, 0, 3);
  auto third = task(3, 0, 3);
  send(std::move(third));
  send(std::move(second));
  send(task(4, 1, 1)); // of another lane
  send(std::move(first));
  stage.run();

  EXPECT_THAT(trained_leases(), ElementsAre(104, 101, 102, 103));
}

TEST_F(accelerator_test, takes_no_second_task_for_a_turn) {
  spawn(1);
  auto first = task(1, 0, 3);
  auto second = task(2, 0, 3);
  auto instead_of_first = task(8, 0, 3);
  auto instead_of_second = task(9, 0, 3);
  instead_of_first.turn = first.turn;
  instead_of_second.turn = second.turn;
  turns[0] = 2;
  send(second);
  send(instead_of_second);
  send(first);
  stage.run();
  send(instead_of_first);
  send(task(3, 0, 3));
  stage.run();

  EXPECT_THAT(trained_leases(), ElementsAre(101, 102, 103));
}

TEST_F(accelerator_test, takes_what_a_lane_has_whose_time_is_over) {
  spawn(2);
  auto timed = task(1, 0, 1'000'000'000);
  timed.send_by = wall_seconds();
  send(std::move(timed));
  auto by_recipe = task(2, 0, 1'000'000'000);
  by_recipe.work.within.seconds = 1e-9;
  send(std::move(by_recipe));
  send(task(3, 1, 40));
  stage.run();

  EXPECT_THAT(trained_leases(), testing::UnorderedElementsAre(101, 102, 103));
  EXPECT_THAT(log(), Contains("cut 0"));
  EXPECT_THAT(log(), Not(Contains("cut 1")));
  EXPECT_TRUE(failures().empty());
}

TEST_F(accelerator_test, never_waits_for_its_lanes_to_fill) {
  spawn(8);
  send(task(0, 5, 40));
  stage.run();

  EXPECT_THAT(trained_leases(), ElementsAre(100));
  EXPECT_THAT(log(), ElementsAre("enter 5 by 0", "advance 1 by 1",
                         "advance 1 by 2", "advance 1 by 4", "advance 1 by 8",
                         "advance 1 by 16", "advance 1 by 9", "take 5 of 0"));
}

TEST_F(accelerator_test, trains_side_by_side_whoever_is_there) {
  spawn(4);
  for (std::uint32_t lane = 0; lane < 4; ++lane)
    send(task(lane, lane, 64));
  stage.run();

  EXPECT_EQ(std::count_if(log().begin(), log().end(),
                [](const auto& line) { return line.starts_with("advance 1"); }),
      2 + 1); // before the others came, and the last one's last step
  EXPECT_THAT(log(), Contains("advance 4 by 32"));
  EXPECT_EQ(trained_leases().size(), 4u);
}

TEST_F(accelerator_test, drops_a_task_that_is_to_stop) {
  spawn(1);
  std::stop_source early;
  early.request_stop();
  send(task(1, 0, 5, early.get_token()));
  send(task(2, 0, 5));
  stage.run();

  ASSERT_EQ(failures().size(), 1u);
  EXPECT_EQ(failures()[0].lease, 101u);
  EXPECT_EQ(failures()[0].why, errc::stopped);
  EXPECT_THAT(trained_leases(), ElementsAre(102));
  EXPECT_THAT(log(), Not(Contains("enter 0 by 1")));
}

// The stop comes while the stretch is under way that would have been the
// client's last; the next client must not inherit its end.
TEST_F(accelerator_test, stops_a_client_at_work_and_goes_on_with_the_next) {
  spawn(2);
  std::stop_source late;
  int stretches = 0;
  script_of_cohorts().on_advance = [&](std::size_t) {
    if (++stretches == 6)
      late.request_stop();
  };
  send(task(1, 0, 63, late.get_token()));
  send(task(2, 0, 200));
  stage.run();

  ASSERT_EQ(failures().size(), 1u);
  EXPECT_EQ(failures()[0].why, errc::stopped);
  ASSERT_EQ(results(clients).size(), 1u);
  EXPECT_EQ(results(clients)[0].outcome.steps, 202u);
  EXPECT_EQ(count("leave 0"), 1);
  EXPECT_EQ(count("take 0 of 1"), 0);
  EXPECT_EQ(log().back(), "take 0 of 2");
}

TEST_F(accelerator_test, fails_a_client_alone_whose_data_are_bad) {
  spawn(2);
  script_of_cohorts().on_enter = [](const training::assignment& work) {
    if (work.client == 1)
      throw std::invalid_argument("no such pictures");
  };
  for (client_id c = 0; c < 4; ++c)
    send(task(c, c % 2, 10));
  stage.run();

  ASSERT_EQ(failures().size(), 1u);
  EXPECT_EQ(failures()[0].lease, 101u);
  EXPECT_EQ(failures()[0].why, errc::learner_failed);
  EXPECT_EQ(text(failures()[0].why), "no such pictures");
  EXPECT_EQ(trained_leases().size(), 3u);
}

TEST_F(accelerator_test, says_the_sizes_when_a_client_finds_no_room) {
  spawn(1);
  script_of_cohorts().on_enter = [](const training::assignment& work) {
    if (work.client == 0)
      throw gpu::out_of_memory("3 GiB wanted, 1 GiB free");
  };
  send(task(0, 0, 10));
  send(task(1, 0, 10));
  stage.run();

  ASSERT_EQ(failures().size(), 1u);
  EXPECT_EQ(failures()[0].why, errc::out_of_memory);
  EXPECT_EQ(text(failures()[0].why), "3 GiB wanted, 1 GiB free");
  EXPECT_THAT(trained_leases(), ElementsAre(101));
}

TEST_F(accelerator_test, sheds_the_youngest_clients_until_a_step_fits) {
  spawn(4);
  script_of_cohorts().on_advance = [](std::size_t lanes) {
    if (lanes > 2)
      throw gpu::out_of_memory("full");
  };
  for (std::uint32_t lane = 0; lane < 4; ++lane)
    send(task(lane, lane, 100));
  stage.run();

  ASSERT_EQ(failures().size(), 2u);
  EXPECT_EQ(failures()[0].why, errc::out_of_memory);
  EXPECT_THAT(trained_leases(), ElementsAre(100, 101));
}

TEST_F(accelerator_test, goes_on_after_a_client_whose_result_is_no_number) {
  spawn(1);
  script_of_cohorts().on_take = [](const training::assignment& work) {
    if (work.client == 0)
      throw std::runtime_error("the loss of step 3 is nan");
  };
  send(task(0, 0, 10));
  send(task(1, 0, 10));
  stage.run();

  ASSERT_EQ(failures().size(), 1u);
  EXPECT_EQ(text(failures()[0].why), "the loss of step 3 is nan");
  EXPECT_THAT(trained_leases(), ElementsAre(101));
}

TEST_F(accelerator_test, scores_in_between_and_answers_for_each_part) {
  spawn(2);
  send(task(1, 0, 300));
  for (std::uint64_t part = 0; part < 9; ++part)
    ask_score(part);
  send(task(2, 1, 300));
  stage.run();

  auto parts = evaluator.heard<evaluated_part>();
  auto begun = evaluator.heard<part_begun>();
  ASSERT_EQ(parts.size(), 9u);
  ASSERT_EQ(begun.size(), 9u);
  for (std::uint64_t i = 0; i < 9; ++i) {
    EXPECT_EQ(begun[i].part, i);
    EXPECT_FALSE(begun[i].alone); // others train meanwhile
    EXPECT_EQ(parts[i].part, i);
    EXPECT_EQ(parts[i].sums.samples, 10 + i);
    EXPECT_FALSE(parts[i].failed);
  }
  EXPECT_EQ(trained_leases().size(), 2u);
  // Training did not wait for the last score.
  auto last_score = std::find(log().rbegin(), log().rend(), "score 18");
  EXPECT_NE(
      std::find(last_score, log().rend(), "advance 1 by 1"), log().rend());
}

TEST_F(accelerator_test, fails_a_part_alone_that_cannot_be_scored) {
  spawn(1);
  int calls = 0;
  script_of_cohorts().on_score = [&] {
    if (++calls == 2)
      throw std::runtime_error("other pictures");
  };
  for (std::uint64_t part = 0; part < 3; ++part)
    ask_score(part);
  stage.run();

  auto parts = evaluator.heard<evaluated_part>();
  ASSERT_EQ(parts.size(), 3u);
  for (const auto& each : parts)
    EXPECT_EQ(bool(each.failed), each.part == 1) << each.part;
}

caf::error end_of(
    rehearsal& stage, const accelerator& device, const train_task& last) {
  caf::scoped_actor self{stage.system()};
  self->monitor(device);
  stage.tell(device, last);
  caf::error why;
  self->receive([&](const caf::down_msg& what) { why = what.reason; });
  return why;
}

TEST_F(accelerator_test, ends_by_name_with_a_device_that_is_broken) {
  spawn(2);
  script_of_cohorts().on_advance = [](std::size_t) {
    throw std::runtime_error("an illegal address");
  };

  auto why = end_of(stage, device, task(0, 0, 10));

  EXPECT_EQ(why, errc::device_failed);
  EXPECT_EQ(text(why), "cpu: an illegal address");
}

TEST_F(accelerator_test, ends_by_name_where_it_cannot_begin) {
  spawn(2);
  script_of_cohorts().on_make = [] {
    throw gpu::out_of_memory("too many lanes");
  };

  auto why = end_of(stage, device, task(0, 0, 10));

  EXPECT_EQ(why, errc::device_failed);
  EXPECT_EQ(text(why), "cpu: too many lanes");
}

TEST_F(accelerator_test, looks_after_a_device_only_while_it_is_at_work) {
  spawn(1);
  send(task(0, 0, 10));
  stage.run();
  for (int i = 0; i < 3; ++i)
    stage.pass(std::chrono::seconds{2});
  send(task(1, 0, 10));
  stage.run();

  EXPECT_THAT(trained_leases(), ElementsAre(100, 101));
}

TEST_F(accelerator_test, shares_its_cpu_time_among_those_it_works_for) {
  spawn(4);
  auto begun = std::chrono::steady_clock::now();
  script_of_cohorts().on_advance = [](std::size_t) {
    volatile double sink = 0.0;
    for (int i = 0; i < 200'000; ++i)
      sink = sink + double(i);
  };
  for (std::uint32_t lane = 0; lane < 4; ++lane)
    send(task(lane, lane, 320));
  stage.run();
  std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;

  double sum = 0.0;
  for (const auto& each : results(clients))
    sum += each.cpu_seconds;
  EXPECT_GT(sum, 0.0);
  EXPECT_LE(sum, wall.count() * 1.05 + 0.01);
}

} // namespace
} // namespace troupe::tests
