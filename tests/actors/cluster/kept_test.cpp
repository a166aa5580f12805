// Updates that a host keeps, and hands in to a coordinator that comes back.

#include <deque>
#include <optional>

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <gmock/gmock.h>

#include "actors/cluster/host.hpp"
#include "protocols/errc.hpp"
#include "protocols/training.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {
namespace {

using namespace cluster;
using testing::IsEmpty;
using testing::SizeIs;

/// A node over one session, or several: its clients and its slot stay.
struct kept_test : testing::Test {
  rehearsal stage;
  std::deque<extra> clients;
  extra slot{stage};
  std::shared_ptr<scripted_peer> coordinator;
  host at;

  kept_test() {
    for (int i = 0; i < 2; ++i)
      clients.emplace_back(stage);
    begin(kept_updates{1 << 20});
  }
  ~kept_test() override {
    caf::anon_send_exit(at, caf::exit_reason::user_shutdown);
  }

  void begin(kept_updates kept) {
    coordinator = std::make_shared<scripted_peer>();
    host_options how{coordinator, {}, {}, {}, std::move(kept)};
    for (auto& each : clients)
      how.workers.push_back(each.as<worker>());
    how.slots = {{slot.as<compute>(), 0, {}}};
    at = stage.system().spawn<host_impl>(std::move(how));
    stage.run();
  }
  kept_updates end() {
    stage.tell(at, parted{"it is gone"});
    kept_updates result;
    caf::scoped_actor self{stage.system()};
    auto answer = self->request(at, caf::infinite, hand_over{});
    stage.run();
    answer.receive([&](kept& what) { result = std::move(*what.what); },
        [](const caf::error& why) { ADD_FAILURE() << caf::to_string(why); });
    caf::anon_send_exit(at, caf::exit_reason::user_shutdown);
    return result;
  }
  /// The coordinator is killed, and comes back.
  void come_back() { begin(end()); }

  void seat(lease_id lease, client_id client, float parameters,
      std::uint64_t turn = 0, std::optional<float> state = {}) {
    seated what{{lease, client, 5, 0.0, 2, named(lease * 10)}, 0, turn};
    if (state)
      what.what.state = named(lease * 10 + 1);
    stage.tell(at, what);
    bring(lease * 10, parameters);
    if (state)
      bring(lease * 10 + 1, *state);
  }
  static tensor named(tensor_id id) {
    tensor result;
    result.id = id;
    result.count = 3;
    return result;
  }
  void bring(tensor_id id, float value) {
    stage.tell(at, fetched{id, filled(3, value), 0.0f, {}});
  }
  void train(lease_id lease, client_id client, bool partial = false) {
    update what{client, {}};
    what.result.lease = lease;
    what.result.base = 5;
    what.result.outcome = {10, 2, 0.5, 0.0, partial};
    what.result.seconds = 3.0;
    what.result.cpu_seconds = 2.0;
    what.result.delta = filled(3, 2.0f);
    what.result.state = tensor{filled(3, 9.0f)};
    stage.tell(at, what);
  }
  std::size_t offers(client_id client) const {
    return clients[client].heard<seated_offer>().size();
  }
  std::vector<update> handed_in() const {
    std::vector<update> result;
    for (const auto& each : coordinator->sent<update>())
      if (each.result.handed_in)
        result.push_back(each);
    return result;
  }
};

TEST_F(kept_test, says_of_nothing_that_it_was_trained_before) {
  seat(1, 0, 1.0f);
  train(1, 0);

  EXPECT_THAT(coordinator->sent<update>(), SizeIs(1));
  EXPECT_THAT(handed_in(), IsEmpty());
}

TEST_F(kept_test, hands_in_what_a_coordinator_that_came_back_asks_for) {
  seat(1, 0, 1.0f);
  train(1, 0);
  come_back();

  seat(1001, 0, 1.0f, 4);

  EXPECT_EQ(offers(0), 1u) << "it is not trained again";
  ASSERT_THAT(handed_in(), SizeIs(1));
  const auto what = handed_in()[0];
  EXPECT_EQ(what.client, 0u);
  EXPECT_EQ(what.result.lease, 1001u);
  EXPECT_EQ(what.result.base, 5u);
  EXPECT_EQ(what.result.outcome.samples, 10u);
  EXPECT_EQ(what.result.seconds, 3.0);
  EXPECT_EQ(what.result.cpu_seconds, 0.0) << "it takes no more of it";
  EXPECT_EQ(coordinator->lent.at(what.result.delta.id)->span()[0], 2.0f);
  EXPECT_EQ(
      coordinator->lent.at(what.result.state.value().id)->span()[0], 9.0f);
}

// The slot counts turns: it hears of this one that it is to stop.
TEST_F(kept_test, gives_its_slot_the_turn_of_what_it_hands_in) {
  seat(1, 0, 1.0f);
  train(1, 0);
  come_back();

  seat(1001, 0, 1.0f, 4);

  const auto tasks = slot.heard<train_task>();
  ASSERT_THAT(tasks, SizeIs(1));
  EXPECT_EQ(tasks[0].lease, 1001u);
  EXPECT_EQ(tasks[0].turn, 4u);
  EXPECT_TRUE(tasks[0].stop.stop_requested());
  stage.tell(at, failure{0, 1001, caf::make_error(errc::stopped)});
  EXPECT_THAT(coordinator->sent<failure>(), IsEmpty())
      << "its lease was answered";
}

TEST_F(kept_test, hands_in_nothing_for_another_order) {
  seat(1, 0, 1.0f, 0, 4.0f);
  train(1, 0);
  come_back();

  seat(1001, 1, 1.0f, 0, 4.0f); // client
  seat(1002, 0, 1.5f, 1, 4.0f); // parameters
  seat(1003, 0, 1.0f, 2, 4.5f); // its state
  seat(1004, 0, 1.0f, 3);       // none

  EXPECT_THAT(handed_in(), IsEmpty());
  EXPECT_EQ(offers(0), 4u);
  EXPECT_EQ(offers(1), 1u);
  seat(1005, 0, 1.0f, 4, 4.0f);
  EXPECT_THAT(handed_in(), SizeIs(1));
}

TEST_F(kept_test, forgets_what_a_durable_version_holds) {
  seat(1, 0, 1.0f);
  train(1, 0);
  seat(2, 1, 1.0f);
  train(2, 1);

  stage.tell(at, durable{5});
  auto kept = end();
  EXPECT_EQ(kept.size(), 2u);
  begin(std::move(kept));
  stage.tell(at, durable{6});

  EXPECT_EQ(end().size(), 0u);
}

TEST_F(kept_test, keeps_what_is_done_when_nobody_is_there_to_hear_it) {
  seat(1, 0, 1.0f);
  stage.tell(at, parted{"it is gone"});
  train(1, 0);
  EXPECT_THAT(coordinator->sent<update>(), IsEmpty());
  come_back();

  seat(1001, 0, 1.0f);

  EXPECT_THAT(handed_in(), SizeIs(1));
}

TEST_F(kept_test, keeps_nothing_that_was_stopped) {
  seat(1, 0, 1.0f);
  stage.tell(at, parted{"it is gone"});
  train(1, 0, true);

  EXPECT_EQ(end().size(), 0u);
}

} // namespace
} // namespace troupe::tests
