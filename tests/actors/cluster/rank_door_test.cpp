// The session of a node that brings ranks to a mesh.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/cluster/rank_door.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/scripted_peer.hpp"

namespace troupe::tests {
namespace {

using namespace cluster;
using parallel::nobody;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A door between a node that says what a test has it say, and extras: the
/// registrar and the conductor.
struct rank_door_test : testing::Test {
  rehearsal stage;
  extra members{stage};
  extra run{stage};
  std::shared_ptr<scripted_peer> node = std::make_shared<scripted_peer>();
  rank_door at;

  rank_door_test() {
    members.answers<knock>([](const auto&) {
      return admission{true, {}, "one", 7};
    });
    members.answers<prepared>([](const auto&) {
      return admission{true, {}, {}, 8};
    });
    at = stage.system().spawn<rank_door_impl>(rank_door_options{
        {{}, 12, "key", "here"}, node, members.as<registrar>(),
        run.as<parallel::conductor>(), {}, {3, 10, 20}});
    stage.run();
  }
  ~rank_door_test() override {
    caf::anon_send_exit(at, caf::exit_reason::user_shutdown);
  }

  template <class What>
  void say(What what) {
    stage.tell(at, std::move(what));
  }
  /// Seat 5 is its lane 1, at rank 0 of an epoch.
  void take_seats(parallel::epoch_id epoch = 1) {
    if (run.heard<parallel::seated>().empty())
      say(ready{{0, 0}, "same", {}});
    say(parallel::convene{epoch, 5, 4, true, 1});
    say(parallel::convened{epoch, 5, false, 0, "there"});
  }
  void be_asked_for_the_state() {
    take_seats();
    say(parallel::muster{1, 5, 0, 4, "there", 0, 0, true});
    say(parallel::mustered{1, 5});
    say(parallel::hand_over{1, 5, 0});
  }
};

TEST_F(rank_door_test, seats_every_slot_of_its_node_as_a_rank) {
  say(ready{{0, 0, 0}, "same", {}});

  const auto seats = run.heard<parallel::seated>();
  ASSERT_THAT(seats, SizeIs(3));
  for (std::uint32_t lane = 0; lane < 3; ++lane) {
    EXPECT_EQ(seats[lane].who.address(), at.address());
    EXPECT_EQ(seats[lane].node, "one");
    EXPECT_EQ(seats[lane].lane, lane);
  }
}

TEST_F(rank_door_test, passes_orders_on_and_answers_back) {
  take_seats();
  say(parallel::muster{1, 5, 0, 4, "there", 0, 0, true});
  say(parallel::mustered{1, 5});
  say(parallel::advance{1, 5, 0, 2});
  say(parallel::advanced{1, 5, 2, 20, 0.5, 0.5});

  EXPECT_THAT(node->sent<parallel::convene>(), SizeIs(1));
  EXPECT_EQ(node->sent<parallel::convene>()[0].lane, 1u);
  EXPECT_THAT(node->sent<parallel::muster>(), SizeIs(1));
  EXPECT_THAT(node->sent<parallel::advance>(), SizeIs(1));
  EXPECT_EQ(run.heard<parallel::convened>().at(0).at, "there");
  EXPECT_THAT(run.heard<parallel::mustered>(), SizeIs(1));
  EXPECT_THAT(run.heard<parallel::advanced>(), SizeIs(1));
  EXPECT_EQ(node->heard, 4u);
}

TEST_F(rank_door_test, expels_a_node_that_says_what_it_was_not_asked_for) {
  take_seats();

  say(parallel::mustered{1, 5});

  EXPECT_THAT(node->expelled,
      ElementsAre(HasSubstr("it sent what it was not asked for")));
  EXPECT_THAT(run.heard<parallel::mustered>(), IsEmpty());
}

TEST_F(rank_door_test, drops_what_is_of_an_epoch_that_is_over) {
  take_seats();
  say(parallel::muster{1, 5, 0, 4, "there", 0, 0, true});
  take_seats(2);

  say(parallel::mustered{1, 5});
  say(parallel::broken{1, 5, 0, nobody, "gone"});

  EXPECT_THAT(node->closed, IsEmpty());
  EXPECT_THAT(run.heard<parallel::mustered>(), IsEmpty());
  EXPECT_THAT(run.heard<parallel::broken>(), IsEmpty());
}

TEST_F(rank_door_test, lends_the_state_until_its_rank_has_it) {
  take_seats();
  say(parallel::muster{
      1, 5, 0, 4, "there", 0, 0, false, filled(3), {{"m", filled(3)}}});

  ASSERT_THAT(node->sent<parallel::muster>(), SizeIs(1));
  EXPECT_NE(node->sent<parallel::muster>()[0].parameters.id, 0u);
  EXPECT_THAT(node->lent, SizeIs(2));
  say(parallel::mustered{1, 5});
  EXPECT_THAT(node->lent, IsEmpty());
}

TEST_F(rank_door_test, takes_the_state_back_with_a_new_epoch) {
  take_seats();
  say(parallel::muster{1, 5, 0, 4, "there", 0, 0, false, filled(3), {}});

  take_seats(2);

  EXPECT_THAT(node->lent, IsEmpty());
}

TEST_F(rank_door_test, hands_over_once_all_of_it_is_here) {
  be_asked_for_the_state();

  say(parallel::handed{
      1, 5, 0, tensor{filled(3), 7}, {{"m", tensor{filled(3), 8}}}});
  node->asked.clear();
  say(fetched{7, filled(3, 1.0f), 1.0f, {}});
  EXPECT_THAT(run.heard<parallel::handed>(), IsEmpty());
  say(fetched{8, filled(3, 2.0f), 2.0f, {}});

  ASSERT_THAT(run.heard<parallel::handed>(), SizeIs(1));
  const auto all = run.heard<parallel::handed>()[0];
  EXPECT_EQ(all.parameters->span()[0], 1.0f);
  EXPECT_EQ(all.blocks.at(0).values->span()[0], 2.0f);
  EXPECT_THAT(node->sent<arrived>(), SizeIs(2));
}

TEST_F(rank_door_test, expels_a_node_whose_state_does_not_come) {
  be_asked_for_the_state();
  tensor elsewhere;
  elsewhere.id = 7;
  elsewhere.count = 3;
  say(parallel::handed{1, 5, 0, elsewhere, {}});

  say(fetched{7, {}, 0.0f, "it is gone"});

  EXPECT_THAT(node->expelled, SizeIs(1));
}

// It may have been taken back there.
TEST_F(rank_door_test, misses_no_tensor_of_an_epoch_that_is_over) {
  be_asked_for_the_state();
  tensor elsewhere;
  elsewhere.id = 7;
  elsewhere.count = 3;
  say(parallel::handed{1, 5, 0, elsewhere, {}});
  EXPECT_THAT(node->asked, SizeIs(1));
  take_seats(2);

  say(fetched{7, {}, 0.0f, "it is gone"});

  EXPECT_THAT(node->closed, IsEmpty());
}

TEST_F(rank_door_test, stands_up_before_its_node_leaves) {
  take_seats();
  run.hesitates<parallel::rank_gone>();

  say(drain{});

  EXPECT_THAT(members.heard<drained>(), SizeIs(1));
  ASSERT_THAT(run.heard<parallel::rank_gone>(), SizeIs(1));
  EXPECT_THAT(node->sent<farewell>(), IsEmpty());
  run.answer_now(stage);
  ASSERT_THAT(node->sent<farewell>(), SizeIs(1));
  EXPECT_TRUE(node->sent<farewell>()[0].over);
  EXPECT_THAT(node->closed, ElementsAre("drained"));
}

TEST_F(rank_door_test, tells_its_node_that_the_run_has_ended) {
  take_seats();

  say(dismissal{{"the run is done", true, 0}});

  ASSERT_THAT(node->sent<farewell>(), SizeIs(1));
  EXPECT_EQ(node->sent<farewell>()[0].why, "the run is done");
}

TEST_F(rank_door_test, ends_with_its_node) {
  take_seats();
  auto ended = std::make_shared<bool>();
  caf::actor_cast<caf::abstract_actor*>(at)->attach_functor(
      [ended](const caf::error&) { *ended = true; });

  say(parted{"it hung up", false, 0.5});

  EXPECT_TRUE(*ended);
  ASSERT_THAT(members.heard<gone>(), SizeIs(1));
  EXPECT_FALSE(members.heard<gone>()[0].in_order);
}

} // namespace
} // namespace troupe::tests
