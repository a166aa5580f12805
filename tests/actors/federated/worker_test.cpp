#include "actors/federated/worker.hpp"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "actors/clocks.hpp"
#include "actors/computing/compute.hpp"
#include "actors/federated/aggregator.hpp"
#include "actors/federated/shard.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/run.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/stage.hpp"

namespace troupe::tests {
namespace {

struct worker_test : testing::Test {
  rehearsal stage;
  extra slot{stage};
  extra sink{stage};
  worker client;

  explicit worker_test(
      training::recipe how = {.epochs = 2}, bool on_virtual_clock = false) {
    client = stage.system().spawn<worker_impl>(client_id{3}, training::view{},
        std::make_shared<const worker_context>(
            worker_context{1, how, on_virtual_clock}));
  }
  ~worker_test() override {
    caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
  }

  train_task given(lease_id lease, std::uint32_t work = 0,
      const training::budget& within = {}) {
    seated_offer what;
    what.lease = lease;
    what.client = 3;
    what.work = work;
    what.within = within;
    what.on = slot.as<compute>();
    what.turn = lease;
    what.reply_to = sink.as<update_sink>();
    stage.tell(client, std::move(what));
    return slot.heard<train_task>().back();
  }
};

TEST_F(worker_test, sends_the_answer_where_the_offer_says) {
  auto task = given(1);

  EXPECT_EQ(task.reply_to, sink.as<update_sink>());
  EXPECT_EQ(task.turn, 1u);
  EXPECT_EQ(task.work.client, 3u);
}

TEST_F(worker_test, does_as_much_work_as_it_is_offered) {
  EXPECT_EQ(given(1).work.how.epochs, 2u);
  EXPECT_EQ(given(2, 7).work.how.epochs, 7u);
  EXPECT_EQ(given(2, 7).work.how.steps, 0u);
}

TEST_F(worker_test, hands_on_what_its_offer_may_take) {
  EXPECT_EQ(given(1).send_by, 0.0);
  const auto begun = wall_seconds();
  const auto task = given(2, 0, {9, 100.0});

  EXPECT_EQ(task.work.within.steps, 9u);
  EXPECT_GE(task.send_by, begun + 100.0);
  EXPECT_LE(task.send_by, wall_seconds() + 100.0);
}

struct timed_worker_test : worker_test {
  timed_worker_test() : worker_test({.seconds = 5.0f}) {}
};

TEST_F(timed_worker_test, trains_for_as_long_as_its_recipe_says) {
  EXPECT_EQ(given(1).work.within.seconds, 5.0);
}

struct virtual_worker_test : worker_test {
  virtual_worker_test() : worker_test({.seconds = 5.0f}, true) {}
};

TEST_F(virtual_worker_test, leaves_time_to_the_clock_that_counts) {
  EXPECT_EQ(given(1).work.within.seconds, 0.0);
}

struct stepping_worker_test : worker_test {
  stepping_worker_test() : worker_test({.steps = 5}) {}
};

TEST_F(stepping_worker_test, counts_work_as_its_recipe_does) {
  EXPECT_EQ(given(1).work.how.steps, 5u);
  EXPECT_EQ(given(2, 7).work.how.steps, 7u);
  EXPECT_EQ(given(2, 7).work.how.epochs, 1u);
}

TEST_F(worker_test, stops_the_lease_that_is_revoked_and_no_other) {
  auto task = given(1);

  stage.tell(client, revoke{2});
  EXPECT_FALSE(task.stop.stop_requested());
  stage.tell(client, revoke{1});
  EXPECT_TRUE(task.stop.stop_requested());

  EXPECT_FALSE(given(2).stop.stop_requested());
}

TEST_F(worker_test, stops_what_it_is_at_when_it_ends) {
  auto task = given(1);

  stage.tell(caf::actor_cast<caf::actor>(client),
      caf::exit_msg{{}, caf::exit_reason::kill});

  EXPECT_TRUE(task.stop.stop_requested());
}

// Messages of a run of one round, all actors but the scribe and a clock that
// stands still being real.
std::size_t messages_of_one_round(std::size_t clients) {
  rehearsal stage;
  extra scribe{stage}, asker{stage};
  auto parameters = std::make_shared<const gpu::buffer>(3);
  federated::settings common;
  common.rounds = 1;
  aggregator_options options;
  options.rule = federated::fedavg{common, 1.0};
  options.parameters = parameters;
  options.samples.assign(clients, 10);
  options.depth = 8;
  auto aggregator = stage.system().spawn<aggregator_impl>(std::move(options));
  auto who = std::make_shared<crew>();
  auto context = std::make_shared<const worker_context>();
  for (client_id c = 0; c < clients; ++c)
    who->workers.push_back(
        stage.system().spawn<worker_impl>(c, training::view{}, context));
  who->slots = {
      {stage.system().spawn<compute_impl>(gpu::device{}, small_learners(3)), 0,
          {}}};
  who->shards = {stage.system().spawn<shard_impl>(
      shard_options{parameters, {}, {}, 1, aggregator})};
  who->scribe = scribe.as<troupe::scribe>();
  stage.run(); // they come to life
  caf::anon_send(aggregator, begin{who});
  auto count = stage.run();
  for (const auto& one : who->workers)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(who->slots[0].who, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(who->shards[0], caf::exit_reason::user_shutdown);
  caf::anon_send_exit(aggregator, caf::exit_reason::user_shutdown);
  return count;
}

// The offer, the task, the update, and to the shard and back.
TEST(lease_test, takes_five_messages) {
  auto three = messages_of_one_round(3);

  EXPECT_EQ(messages_of_one_round(4) - three, 5u);
  EXPECT_EQ(messages_of_one_round(8) - three, 25u);
}

} // namespace
} // namespace troupe::tests
