// A resident's node: its states come from the disk beside it.

#include <memory>
#include <optional>

#include <caf/event_based_actor.hpp>
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
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Client 100 and one slot, which are extras as the disk is.
struct host_resident_test : testing::Test {
  rehearsal stage;
  extra client{stage};
  extra slot{stage};
  extra disk{stage};
  std::shared_ptr<scripted_peer> coordinator =
      std::make_shared<scripted_peer>();
  gpu::shared_buffer kept = filled(2, 5.0f);
  host at;
  std::shared_ptr<std::optional<farewell>> ended =
      std::make_shared<std::optional<farewell>>();

  host_resident_test() {
    disk.answers<recall_state>(
        [this](const auto&) { return recalled_state{kept}; });
    host_options how{coordinator, {client.as<worker>()},
        {{slot.as<compute>(), 0, {}}}, {}, {}, 100, disk.as<state_keeper>()};
    at = stage.system().spawn<host_impl>(std::move(how));
    stage.system().spawn([at = at, into = ended](caf::event_based_actor* me) {
      ask(me, at, caf::infinite, serve{{{0}, "same", {}, {}, 600}})
          .then([into](const farewell& last) { *into = last; });
    });
    stage.run();
  }
  ~host_resident_test() override {
    caf::anon_send_exit(at, caf::exit_reason::user_shutdown);
  }

  template <class Frame>
  void say(Frame what) {
    stage.tell(at, std::move(what));
  }
  static tensor named(tensor_id id) { return state_elsewhere(id, 3); }
  void seat(lease_id lease, tensor state = {}) {
    say(seated{{lease, 100, 5, 0.0, 2, named(40), std::move(state)}, 0, lease});
    if (coordinator->asked.size() == 1)
      stage.tell(at, fetched{40, filled(3), 0.0f, {}});
  }
  void train(lease_id lease, tensor state) {
    update what{100, {}};
    what.result.lease = lease;
    what.result.base = 5;
    what.result.delta = filled(3, 2.0f);
    what.result.state = std::move(state);
    say(what);
  }
};

TEST_F(host_resident_test, seats_a_lease_with_the_state_from_its_disk) {
  seat(7, named(state_left_by(3)));

  ASSERT_THAT(disk.heard<recall_state>(), SizeIs(1));
  EXPECT_EQ(disk.heard<recall_state>()[0].name, state_left_by(3));
  EXPECT_THAT(coordinator->asked, SizeIs(1)) << "the version alone";
  ASSERT_THAT(client.heard<seated_offer>(), SizeIs(1));
  EXPECT_EQ(client.heard<seated_offer>()[0].state.value().here, kept);
  EXPECT_TRUE(client.heard<seated_offer>()[0].parameters.here);
}

TEST_F(host_resident_test, asks_its_disk_although_nothing_is_named) {
  kept = nullptr;

  seat(7);

  ASSERT_THAT(disk.heard<recall_state>(), SizeIs(1));
  EXPECT_EQ(disk.heard<recall_state>()[0].name, no_state);
  ASSERT_THAT(client.heard<seated_offer>(), SizeIs(1));
  EXPECT_FALSE(client.heard<seated_offer>()[0].state);
}

TEST_F(host_resident_test, stops_what_waits_for_its_state) {
  disk.hesitates<recall_state>();
  seat(7, named(4));

  say(revoke{7});

  ASSERT_THAT(slot.heard<train_task>(), SizeIs(1));
  EXPECT_EQ(slot.heard<train_task>()[0].turn, 7u);
  EXPECT_TRUE(slot.heard<train_task>()[0].stop.stop_requested());
  ASSERT_TRUE(disk.answer_now(stage));
  EXPECT_THAT(client.heard<seated_offer>(), IsEmpty());
}

TEST_F(host_resident_test, says_an_update_once_its_state_is_kept) {
  disk.hesitates<keep_state>();
  seat(7);
  const auto left = filled(4, 6.0f);

  train(7, tensor{left});

  ASSERT_THAT(disk.heard<keep_state>(), SizeIs(1));
  EXPECT_EQ(disk.heard<keep_state>()[0].name, state_left_by(7));
  EXPECT_EQ(disk.heard<keep_state>()[0].values.here, left);
  EXPECT_THAT(coordinator->sent<update>(), IsEmpty());
  ASSERT_TRUE(disk.answer_now(stage));

  ASSERT_THAT(coordinator->sent<update>(), SizeIs(1));
  const auto said = coordinator->sent<update>()[0].result.state.value();
  EXPECT_EQ(said.id, state_left_by(7));
  EXPECT_EQ(said.count, 4u);
  EXPECT_THAT(coordinator->lent, SizeIs(1)) << "the delta alone";
}

TEST_F(host_resident_test, keeps_no_state_without_values) {
  seat(7);

  train(7, tensor{filled(0)});

  EXPECT_THAT(disk.heard<keep_state>(), IsEmpty());
  ASSERT_THAT(coordinator->sent<update>(), SizeIs(1));
  EXPECT_EQ(coordinator->sent<update>()[0].result.state.value().count, 0u);
}

TEST_F(host_resident_test, passes_on_what_its_disk_has_heard_is_durable) {
  say(state_stored{5});

  ASSERT_THAT(disk.heard<state_stored>(), SizeIs(1));
  EXPECT_EQ(disk.heard<state_stored>()[0].state, 5u);
  EXPECT_FALSE(*ended);
}

TEST_F(host_resident_test, names_no_other_client) {
  say(seated{{7, 99, 5, 0.0, 2, named(40), {}}, 0, 0});

  ASSERT_THAT(coordinator->closed, SizeIs(1));
  EXPECT_THAT(coordinator->closed[0], HasSubstr("client 99"));
}

/// On a disk that answers with errors.
struct bad_disk_state {
  static inline const char* name = "troupe.bad_disk";
  state_keeper::behavior_type make_behavior() {
    const auto why = caf::make_error(errc::storage_failed, "it is full");
    return {
        [why](const keep_state&) -> caf::result<void> { return why; },
        [why](
            const recall_state&) -> caf::result<recalled_state> { return why; },
        [why](const state_stored&) -> caf::result<void> { return why; },
    };
  }
};

struct bad_disk_test : host_resident_test {
  state_keeper bad;
  bad_disk_test() {
    bad = stage.system().spawn<state_keeper::stateful_impl<bad_disk_state>>();
    coordinator = std::make_shared<scripted_peer>();
    at = stage.system().spawn<host_impl>(
        host_options{coordinator, {client.as<worker>()},
            {{slot.as<compute>(), 0, {}}}, {}, {}, 100, bad});
    stage.system().spawn([at = at, into = ended](caf::event_based_actor* me) {
      ask(me, at, caf::infinite, serve{{{0}, "same", {}, {}, 600}})
          .then([into](const farewell& last) { *into = last; });
    });
    stage.run();
  }
  ~bad_disk_test() override {
    caf::anon_send_exit(bad, caf::exit_reason::user_shutdown);
  }
};

TEST_F(bad_disk_test, leaves_a_run_that_counts_on_what_is_not_there) {
  say(state_stored{5});

  ASSERT_TRUE(*ended);
  EXPECT_THAT((*ended)->why, HasSubstr("it is full"));
  EXPECT_TRUE((*ended)->over) << "it is not to dial again";
  EXPECT_NE((*ended)->code, 0);
  ASSERT_THAT(coordinator->sent<farewell>(), SizeIs(1));
  EXPECT_THAT(coordinator->sent<farewell>()[0].why, HasSubstr("it is full"));
}

TEST_F(bad_disk_test, leaves_a_run_that_has_it_train_from_there) {
  seat(7, named(4));

  EXPECT_TRUE(*ended);
  EXPECT_THAT(client.heard<seated_offer>(), IsEmpty());
}

} // namespace
} // namespace troupe::tests
