// A door as the worker of the one client that its node brings.

#include <gmock/gmock.h>

#include "protocols/errc.hpp"
#include "tests/actors/cluster/door_stage.hpp"

namespace troupe::tests {
namespace {

using namespace cluster;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct door_resident_test : door_stage {
  door_resident_test() {
    at_knock.client = 100;
    at_knock.name = "hospital-7";
  }

  void move_in() {
    knock();
    say(ready{{0}, "same", {}, {}, 600});
  }
  /// As the aggregator offers it.
  void offer(lease_id lease, tensor state = {}) {
    seated_offer what;
    what.lease = lease;
    what.client = 100;
    what.base = 4;
    what.work = 2;
    what.parameters = filled(values);
    what.state = std::move(state);
    what.turn = lease;
    what.reply_to = sink.as<update_sink>();
    stage.tell(caf::actor_cast<resident>(at), std::move(what));
  }
  update trained_by(lease_id lease, tensor state = {}) {
    tensor delta;
    delta.id = 70 + lease;
    delta.count = values;
    trained result{lease, 4, {}, 0.5, 0.25, delta};
    result.state = std::move(state);
    return {100, std::move(result)};
  }
  void bring(lease_id lease) {
    stage.tell(at, fetched{70 + lease, filled(values), 0.5f, {}});
  }
};

TEST_F(door_resident_test, tells_its_node_which_client_it_is) {
  knock();

  ASSERT_THAT(node->sent<welcome>(), SizeIs(1));
  EXPECT_EQ(node->sent<welcome>()[0].home.client, 100u);
}

TEST_F(door_resident_test, enrols_its_client_behind_slots_of_its_own) {
  move_in();

  ASSERT_THAT(run.heard<lend>(), SizeIs(1));
  EXPECT_EQ(run.heard<lend>()[0].only_for, 100u);
  ASSERT_THAT(run.heard<enrol>(), SizeIs(1));
  const auto who = run.heard<enrol>()[0];
  EXPECT_EQ(who.client, 100u);
  EXPECT_EQ(who.samples, 600u);
  EXPECT_EQ(who.identity, "hospital-7");
  EXPECT_EQ(who.key, "key");
  EXPECT_EQ(who.who.address(), at.address());
  EXPECT_EQ(who.home.address(), at.address());
}

TEST_F(door_resident_test, lends_the_slots_of_other_nodes_to_anybody) {
  at_knock.client.reset();

  lend_slots();

  EXPECT_FALSE(run.heard<lend>()[0].only_for);
  EXPECT_THAT(run.heard<enrol>(), IsEmpty());
}

TEST_F(door_resident_test, believes_no_client_without_samples_or_of_too_many) {
  knock();

  say(ready{{0}, "same", {}, {}, 0});

  EXPECT_TRUE(is_closed());
  EXPECT_THAT(node->sent<refusal>()[0].why, HasSubstr("a client of 0 samples"));
  EXPECT_THAT(members.heard<prepared>(), IsEmpty());
}

TEST_F(door_resident_test, says_an_offer_with_the_name_of_its_state) {
  move_in();

  offer(7, state_elsewhere(state_left_by(3), 18));

  ASSERT_THAT(node->sent<seated>(), SizeIs(1));
  const auto said = node->sent<seated>()[0];
  EXPECT_EQ(said.what.lease, 7u);
  EXPECT_EQ(said.what.client, 100u);
  EXPECT_EQ(said.what.base, 4u);
  EXPECT_EQ(said.what.work, 2u);
  EXPECT_EQ(said.turn, 7u);
  EXPECT_EQ(said.what.state.value().id, state_left_by(3));
  EXPECT_THAT(node->lent, SizeIs(1)) << "the version alone";
}

TEST_F(door_resident_test, answers_with_the_name_of_the_state_that_was_left) {
  move_in();
  offer(7);

  say(trained_by(7, state_elsewhere(state_left_by(7), 18)));
  EXPECT_THAT(node->asked, SizeIs(1)) << "the delta alone";
  bring(7);

  ASSERT_THAT(sink.heard<update>(), SizeIs(1));
  const auto answer = sink.heard<update>()[0].result;
  EXPECT_EQ(answer.state.value().id, state_left_by(7));
  EXPECT_EQ(answer.state.value().count, 18u);
  EXPECT_TRUE(answer.delta.here);
}

TEST_F(door_resident_test, ends_a_session_that_names_another_state) {
  move_in();
  offer(7);

  say(trained_by(7, state_elsewhere(state_left_by(6), 18)));

  EXPECT_TRUE(is_closed());
  EXPECT_THAT(
      node->sent<refusal>()[0].why, HasSubstr("lease 7 did not leave there"));
  bring(7);
  EXPECT_THAT(sink.heard<update>(), IsEmpty());
}

TEST_F(door_resident_test, has_its_node_stop_and_hear_of_durable_states) {
  move_in();
  offer(7);

  stage.tell(caf::actor_cast<resident>(at), revoke{7});
  stage.tell(caf::actor_cast<resident>(at), state_stored{5});

  EXPECT_THAT(node->sent<revoke>(), SizeIs(1));
  ASSERT_THAT(node->sent<state_stored>(), SizeIs(1));
  EXPECT_EQ(node->sent<state_stored>()[0].state, 5u);
}

TEST_F(door_resident_test, has_its_client_leave_once_it_is_drained) {
  move_in();
  offer(7);
  run.hesitates<withdraw>();

  say(drain{});
  EXPECT_THAT(run.heard<troupe::leave>(), IsEmpty());
  say(trained_by(7));
  bring(7);
  ASSERT_TRUE(run.answer_now(stage));

  ASSERT_THAT(run.heard<troupe::leave>(), SizeIs(1));
  EXPECT_EQ(run.heard<troupe::leave>()[0].client, 100u);
  EXPECT_THAT(node->sent<farewell>(), SizeIs(1));
  EXPECT_THAT(sink.heard<update>(), SizeIs(1));
}

} // namespace
} // namespace troupe::tests
