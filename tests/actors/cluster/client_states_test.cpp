// States of clients on their way to a node and back: a door and a host, with a
// worker and a slot behind it, and a wire on which tensors travel as handles.

#include <memory>

#include <gtest/gtest.h>

#include "actors/cluster/door.hpp"
#include "actors/cluster/host.hpp"
#include "actors/computing/compute.hpp"
#include "actors/federated/worker.hpp"
#include "gpu/aggregation/delta.hpp"
#include "tests/support/counting_learner.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/wired_peer.hpp"

namespace troupe::tests {
namespace {

using namespace cluster;

struct welcoming_state {
  static inline const char* name = "troupe.welcoming";
  registrar::behavior_type make_behavior() {
    return {
        [](const knock&) {
          return admission{true, {}, "one", 1};
        },
        [](const prepared&) {
          return admission{true, {}, "one", 1};
        },
        [](const gone&) {},
        [](const drained&) {},
        [](const inquiry&) {},
        [](const turned_away&) {},
        [](const fact_batch&) {},
        [](const dismissal&) {},
        [](const tick&) {},
    };
  }
};

struct client_states_test : testing::Test {
  rehearsal stage;
  extra sink{stage};
  std::shared_ptr<wired_peer> here = std::make_shared<wired_peer>();
  std::shared_ptr<wired_peer> there = std::make_shared<wired_peer>();
  gpu::shared_buffer model = std::make_shared<const gpu::buffer>(zeros());
  door at;
  host_options node;
  host with;
  registrar members;

  static gpu::buffer zeros() {
    gpu::buffer result{3};
    std::ranges::fill(result.span(), 0.0f);
    return result;
  }

  void connect(training::learner_factory make) {
    wired_peer::connect(here, there);
    auto& system = stage.system();
    members = system.spawn<registrar::stateful_impl<welcoming_state>>();
    node.peer = there;
    node.workers = {system.spawn<worker_impl>(client_id{0}, training::view{},
        std::make_shared<const worker_context>())};
    node.slots = {
        {system.spawn<compute_impl>(gpu::device{}, std::move(make)), 0, {}}};
    with = system.spawn<host_impl>(node);
    there->listen(ears_of_host(with));
    at = system.spawn<door_impl>(
        door_options{{}, here, members, sink.as<aggregator>(), {}, 3});
    here->listen(ears_of_door(at));
    stage.run();
  }
  ~client_states_test() override {
    for (auto who :
        {caf::actor_cast<caf::actor>(at), caf::actor_cast<caf::actor>(with),
            caf::actor_cast<caf::actor>(members),
            caf::actor_cast<caf::actor>(node.workers[0]),
            caf::actor_cast<caf::actor>(node.slots[0].who)})
      caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
  }

  trained train(lease_id lease, tensor state) {
    train_task task;
    task.lease = lease;
    task.work.version = 4;
    task.parameters = model;
    task.reply_to = sink.as<update_sink>();
    task.turn = lease;
    task.state = std::move(state);
    stage.tell(at, std::move(task));
    const auto all = sink.heard<update>();
    EXPECT_EQ(all.size(), lease + 1);
    return all.empty() ? trained{} : all.back().result;
  }
};

TEST_F(client_states_test, go_to_a_node_and_come_back) {
  connect(counting_learners(3));

  const auto first = train(0, {});
  const auto second = train(1, first.state.value());

  ASSERT_TRUE(first.state && second.state);
  EXPECT_EQ(first.state.value()->span()[0], 1.0f);
  EXPECT_EQ(second.state.value()->span()[0], 2.0f);
  EXPECT_EQ(second.delta->size(), 3u);
  EXPECT_GT(second.largest, 0.0f);
  EXPECT_EQ(second.largest,
      gpu::largest_difference(second.delta->span(), model->span()));
  EXPECT_FALSE(here->closed() || there->closed());
}

TEST_F(client_states_test, are_lent_no_longer_than_their_lease) {
  connect(counting_learners(3));

  train(0, {});
  train(1, sink.heard<update>().back().result.state.value());

  EXPECT_EQ(here->lends(), 1u); // the version
  EXPECT_EQ(there->lends(), 0u);
}

TEST_F(client_states_test, go_along_where_they_are_small) {
  here = std::make_shared<wired_peer>(true);
  there = std::make_shared<wired_peer>(true);
  connect(counting_learners(3));

  const auto first = train(0, {});
  const auto second = train(1, first.state.value());

  EXPECT_EQ(second.state.value()->span()[0], 2.0f);
  EXPECT_EQ(second.largest,
      gpu::largest_difference(second.delta->span(), model->span()));
  EXPECT_EQ(here->lends_ever(), 1u); // the version
  EXPECT_EQ(there->lends_ever(), 0u);
}

TEST_F(client_states_test, are_not_there_where_clients_keep_nothing) {
  connect(small_learners(3));

  EXPECT_FALSE(train(0, {}).state);
  EXPECT_EQ(there->lends_ever(), 1u); // the delta
}

TEST_F(client_states_test, that_a_client_emptied_are_empty) {
  struct forgetful : counting_learner {
    using counting_learner::counting_learner;
    training::outcome train_with(std::vector<float>& state, std::span<float>,
        const training::assignment&, std::stop_token) override {
      state.clear();
      return {};
    }
  };
  connect([](gpu::device) { return std::make_unique<forgetful>(3); });

  const auto left = train(0, std::make_shared<const gpu::buffer>(zeros()));

  ASSERT_TRUE(left.state);
  EXPECT_EQ(left.state.value().count, 0u);
}

} // namespace
} // namespace troupe::tests
