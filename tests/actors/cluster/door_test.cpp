// The session of a node, from its knock to its end.

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

using door_test = door_stage;

TEST_F(door_test, knocks_for_its_node) {
  knock();

  const auto asked = members.heard<cluster::knock>();
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(asked[0].at.address(), at.address());
  EXPECT_EQ(asked[0].who.number, 12u);
  EXPECT_EQ(asked[0].who.key, "key");
}

TEST_F(door_test, welcomes_a_node_by_its_name_and_epoch) {
  knock();

  const auto said = node->sent<welcome>();
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_EQ(said[0].name, "one");
  EXPECT_EQ(said[0].epoch, 7u);
  EXPECT_EQ(said[0].configuration, "[run]");
  EXPECT_EQ(said[0].fingerprint, "same");
  EXPECT_EQ(said[0].from.features, "abc");
  EXPECT_FALSE(is_closed());
}

TEST_F(door_test, tells_its_node_which_version_is_durable) {
  at_knock.durable = 6;
  knock();
  stage.tell(at, durable{7});

  EXPECT_EQ(node->sent<welcome>().at(0).durable, 6u);
  ASSERT_THAT(node->sent<durable>(), SizeIs(1));
  EXPECT_EQ(node->sent<durable>()[0].version, 7u);
}

TEST_F(door_test, sends_a_node_away_that_the_registrar_refuses) {
  at_knock = {false, "there is no room", {}, 0};

  knock();

  ASSERT_THAT(node->sent<refusal>(), SizeIs(1));
  EXPECT_EQ(node->sent<refusal>()[0].why, "there is no room");
  EXPECT_THAT(node->closed, ElementsAre("there is no room"));
  EXPECT_THAT(node->sent<welcome>(), IsEmpty());
  EXPECT_THAT(run.heard<lend>(), IsEmpty());
}

TEST_F(door_test, lends_no_slot_of_a_node_that_is_refused_when_ready) {
  at_ready = {false, "it has other data", {}, 0};

  lend_slots();

  ASSERT_THAT(members.heard<prepared>(), SizeIs(1));
  EXPECT_EQ(members.heard<prepared>()[0].session, 12u);
  EXPECT_EQ(members.heard<prepared>()[0].what.fingerprint, "same");
  ASSERT_THAT(node->sent<refusal>(), SizeIs(1));
  EXPECT_EQ(node->sent<refusal>()[0].why, "it has other data");
  EXPECT_THAT(node->closed, ElementsAre("it has other data"));
  EXPECT_THAT(run.heard<lend>(), IsEmpty());
}

TEST_F(door_test, lends_every_slot_of_a_node_as_a_lane_of_its_own) {
  knock();

  say(ready{{0, 1, 0}, "same", {}});

  ASSERT_THAT(run.heard<lend>(), SizeIs(1));
  const auto all = run.heard<lend>()[0].what;
  ASSERT_THAT(all, SizeIs(3));
  for (std::uint32_t lane = 0; lane < 3; ++lane) {
    EXPECT_EQ(all[lane].lane, lane);
    EXPECT_EQ(all[lane].who.address(), at.address());
    EXPECT_EQ(all[lane].kind,
        lane == 1 ? gpu::device_kind::cuda : gpu::device_kind::cpu);
  }
}

TEST_F(door_test, tells_its_connection_what_the_node_is_called) {
  knock();

  EXPECT_EQ(node->called, "one");
}

TEST_F(door_test, ends_the_session_of_a_node_that_is_ready_twice) {
  lend_slots();

  say(ready{{0}, "same", {}});

  ASSERT_THAT(node->sent<refusal>(), SizeIs(1));
  EXPECT_THAT(node->sent<refusal>()[0].why, HasSubstr("ready twice"));
  EXPECT_TRUE(is_closed());
  EXPECT_THAT(run.heard<lend>(), SizeIs(1));
}

TEST_F(door_test, ends_the_session_of_a_node_of_too_many_slots) {
  lend_slots(4097);

  ASSERT_THAT(node->sent<refusal>(), SizeIs(1));
  EXPECT_THAT(node->sent<refusal>()[0].why, HasSubstr("4097 slots"));
  EXPECT_THAT(members.heard<prepared>(), IsEmpty());
  EXPECT_THAT(run.heard<lend>(), IsEmpty());
}

TEST_F(door_test, ends_the_session_of_a_node_that_is_ready_before_it_is_in) {
  members.hesitates<cluster::knock>();
  knock();

  say(ready{{0}, "same", {}});
  ASSERT_TRUE(members.answer_now(stage));

  EXPECT_TRUE(is_closed());
  EXPECT_THAT(node->sent<welcome>(), IsEmpty());
  EXPECT_THAT(run.heard<lend>(), IsEmpty());
}

TEST_F(door_test, withdraws_what_it_lent_before_a_node_leaves) {
  run.hesitates<withdraw>();
  lend_slots();

  say(drain{});

  ASSERT_THAT(members.heard<drained>(), SizeIs(1));
  EXPECT_EQ(members.heard<drained>()[0].session, 12u);
  EXPECT_THAT(node->sent<drain>(), SizeIs(1));
  ASSERT_THAT(run.heard<withdraw>(), SizeIs(2));
  EXPECT_EQ(run.heard<withdraw>()[0].slot, 4u);
  EXPECT_EQ(run.heard<withdraw>()[1].slot, 5u);
  ASSERT_TRUE(run.answer_now(stage));
  EXPECT_THAT(node->sent<farewell>(), IsEmpty());
  EXPECT_FALSE(is_closed());
  ASSERT_TRUE(run.answer_now(stage));
  ASSERT_THAT(node->sent<farewell>(), SizeIs(1));
  EXPECT_TRUE(node->sent<farewell>()[0].over);
  EXPECT_EQ(node->sent<farewell>()[0].code, 0);
  EXPECT_TRUE(is_closed());
}

TEST_F(door_test, drains_a_node_once) {
  run.hesitates<withdraw>();
  lend_slots();

  say(drain{});
  say(drain{});

  EXPECT_THAT(members.heard<drained>(), SizeIs(1));
  EXPECT_THAT(run.heard<withdraw>(), SizeIs(2));
}

TEST_F(door_test, drains_a_node_without_slots_at_once) {
  lend_slots(0);

  say(drain{});

  EXPECT_THAT(node->sent<farewell>(), SizeIs(1));
  EXPECT_TRUE(is_closed());
}

TEST_F(door_test, withdraws_slots_too_that_are_being_lent) {
  run.hesitates<lend>();
  lend_slots();

  say(drain{});
  EXPECT_THAT(run.heard<withdraw>(), IsEmpty());
  EXPECT_FALSE(is_closed());
  ASSERT_TRUE(run.answer_now(stage));

  ASSERT_THAT(run.heard<withdraw>(), SizeIs(2));
  EXPECT_EQ(run.heard<withdraw>()[1].slot, 5u);
  EXPECT_THAT(node->sent<farewell>(), SizeIs(1));
}

TEST_F(door_test, leaves_a_node_that_comes_too_late_its_farewell) {
  run.answers<lend>([](const auto&) { return caf::make_error(errc::stopped); });

  lend_slots();
  EXPECT_FALSE(is_closed());
  stage.tell(at, dismissal{{"the run is complete", true, 0}});

  EXPECT_THAT(node->sent<farewell>(), SizeIs(1));
  EXPECT_TRUE(is_closed());
}

TEST_F(door_test, tells_a_node_that_is_not_ready_yet_to_stay_away) {
  knock();

  say(drain{});

  ASSERT_THAT(node->sent<farewell>(), SizeIs(1));
  EXPECT_TRUE(node->sent<farewell>()[0].over);
  EXPECT_TRUE(is_closed());
}

TEST_F(door_test, ends_as_lost_with_a_node_that_parts) {
  lend_slots();

  part("it was silent", false, 3.5);

  const auto told = members.heard<gone>();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].session, 12u);
  EXPECT_EQ(told[0].silence, 3.5);
  EXPECT_EQ(told[0].why, "it was silent");
  EXPECT_FALSE(told[0].in_order);
  ASSERT_TRUE(*ended);
  EXPECT_EQ(**ended, errc::node_lost);
}

TEST_F(door_test, ends_as_left_with_a_node_that_leaves_in_order) {
  lend_slots();

  say(farewell{"it has to go", false, 0});
  EXPECT_THAT(node->closed, ElementsAre("it has to go"));
  part("it has to go", true);

  ASSERT_THAT(members.heard<gone>(), SizeIs(1));
  EXPECT_TRUE(members.heard<gone>()[0].in_order);
  ASSERT_TRUE(*ended);
  EXPECT_EQ(**ended, errc::node_left);
}

TEST_F(door_test, tells_its_node_that_the_run_has_ended) {
  lend_slots();

  stage.tell(at, dismissal{{"the run failed", true, 3}});

  ASSERT_THAT(node->sent<farewell>(), SizeIs(1));
  EXPECT_EQ(node->sent<farewell>()[0].why, "the run failed");
  EXPECT_TRUE(node->sent<farewell>()[0].over);
  EXPECT_EQ(node->sent<farewell>()[0].code, 3);
  EXPECT_THAT(node->closed, ElementsAre("the run failed"));
}

TEST_F(door_test, gives_one_farewell_to_a_node_that_drains_as_the_run_ends) {
  run.hesitates<withdraw>();
  lend_slots();
  say(drain{});

  stage.tell(at, dismissal{{"the run failed", true, 3}});

  ASSERT_THAT(node->sent<farewell>(), SizeIs(1));
  EXPECT_EQ(node->sent<farewell>()[0].code, 3);
}

TEST_F(door_test, counts_every_frame_and_heeds_none_behind_the_last) {
  lend_slots();
  say(farewell{"it has to go", false, 0});
  const auto before = node->heard;

  say(drain{});
  say(ready{{0}, "same", {}});

  EXPECT_EQ(before, 2u);
  EXPECT_EQ(node->heard, 4u);
  EXPECT_THAT(members.heard<drained>(), IsEmpty());
  EXPECT_THAT(node->sent<refusal>(), IsEmpty());
}

} // namespace
} // namespace troupe::tests
