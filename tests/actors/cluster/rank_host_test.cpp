// A node's end of its session in a mesh.

#include <memory>
#include <utility>
#include <vector>

#include <caf/scoped_actor.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/cluster/rank_host.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/scripted_peer.hpp"

namespace troupe::tests {
namespace {

using namespace cluster;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

tensor elsewhere(tensor_id id) {
  tensor result;
  result.id = id;
  result.count = 3;
  return result;
}

/// A host between a coordinator that a test plays and two ranks.
struct rank_host_test : testing::Test {
  rehearsal stage;
  extra first{stage}, second{stage};
  std::shared_ptr<scripted_peer> peer = std::make_shared<scripted_peer>();
  rank_host at;

  rank_host_test() {
    at = stage.system().spawn<rank_host_impl>(
        rank_host_options{peer, [this](const parallel::rank_sink&) {
                            return std::vector{first.as<parallel::rank_actor>(),
                                second.as<parallel::rank_actor>()};
                          }});
    stage.run();
  }
  ~rank_host_test() override {
    caf::anon_send_exit(at, caf::exit_reason::user_shutdown);
  }

  template <class What>
  void say(What what) {
    stage.tell(at, std::move(what));
  }
  /// Seat 5 is its second rank.
  void convene(parallel::epoch_id epoch = 1) {
    say(parallel::convene{epoch, 5, 2, false, 1});
  }
};

TEST_F(rank_host_test, tells_each_rank_what_its_seat_is_told) {
  convene();
  say(parallel::convene{1, 4, 2, true, 0});
  say(parallel::advance{1, 5, 0, 2});

  EXPECT_THAT(first.heard<parallel::convene>(), SizeIs(1));
  EXPECT_THAT(second.heard<parallel::convene>(), SizeIs(1));
  EXPECT_THAT(first.heard<parallel::advance>(), IsEmpty());
  EXPECT_THAT(second.heard<parallel::advance>(), SizeIs(1));
  EXPECT_EQ(peer->heard, 3u);
}

TEST_F(rank_host_test, closes_where_a_rank_is_named_that_is_none) {
  say(parallel::convene{1, 5, 2, false, 2});
  say(parallel::advance{1, 6, 0, 2});

  EXPECT_THAT(peer->closed, ElementsAre(HasSubstr("rank 2, which is none"),
                                HasSubstr("seat 6, which is none")));
}

TEST_F(rank_host_test, brings_the_state_before_its_rank_hears_of_it) {
  convene();
  say(parallel::muster{
      1, 5, 1, 2, "a", 1, 3, false, elsewhere(7), {{"m", elsewhere(8)}}});

  EXPECT_THAT(peer->asked, SizeIs(2));
  say(fetched{8, filled(3, 2.0f), 2.0f, {}});
  EXPECT_THAT(second.heard<parallel::muster>(), IsEmpty());
  say(fetched{7, filled(3, 1.0f), 1.0f, {}});

  ASSERT_THAT(second.heard<parallel::muster>(), SizeIs(1));
  const auto order = second.heard<parallel::muster>()[0];
  EXPECT_EQ(order.parameters->span()[0], 1.0f);
  EXPECT_EQ(order.blocks.at(0).values->span()[0], 2.0f);
}

TEST_F(rank_host_test, forgets_an_order_of_an_epoch_that_is_over) {
  convene();
  say(parallel::muster{1, 5, 1, 2, "a", 1, 3, false, elsewhere(7), {}});
  convene(2);

  say(fetched{7, {}, 0.0f, "it is gone"});

  EXPECT_THAT(peer->closed, IsEmpty());
  EXPECT_THAT(second.heard<parallel::muster>(), IsEmpty());
}

TEST_F(rank_host_test, lends_what_its_rank_hands_over_until_it_has_arrived) {
  convene();
  say(parallel::handed{1, 5, 3, filled(3), {{"m", filled(3)}}});

  ASSERT_THAT(peer->sent<parallel::handed>(), SizeIs(1));
  ASSERT_THAT(peer->lent, SizeIs(2));
  say(arrived{peer->lent.begin()->first});
  EXPECT_THAT(peer->lent, SizeIs(1));
  convene(2);
  EXPECT_THAT(peer->lent, IsEmpty());
}

TEST_F(rank_host_test, says_what_its_ranks_answer) {
  convene();
  say(parallel::convened{1, 5, false, 0, {}});
  say(parallel::broken{1, 5, 3, 0, "rank 0 is gone"});

  EXPECT_THAT(peer->sent<parallel::convened>(), SizeIs(1));
  EXPECT_THAT(peer->sent<parallel::broken>(), SizeIs(1));
}

TEST_F(rank_host_test, asks_to_leave_when_it_is_interrupted) {
  say(interrupt{});

  EXPECT_THAT(peer->sent<drain>(), SizeIs(1));
}

TEST_F(rank_host_test, answers_by_how_its_session_ended) {
  caf::scoped_actor self{stage.system()};
  auto answer = self->request(at, caf::infinite, serve{});
  stage.run();
  say(farewell{"drained", true, 0});
  stage.run();

  farewell how;
  answer.receive([&](const farewell& what) { how = what; },
      [](const caf::error& why) { ADD_FAILURE() << caf::to_string(why); });
  EXPECT_EQ(how.why, "drained");
  EXPECT_TRUE(how.over);
}

TEST_F(rank_host_test, ends_its_session_when_a_rank_dies) {
  caf::scoped_actor self{stage.system()};
  auto answer = self->request(at, caf::infinite, serve{});
  stage.run();

  caf::anon_send_exit(
      second.as<parallel::rank_actor>(), caf::exit_reason::kill);
  stage.run();

  farewell how;
  answer.receive([&](const farewell& what) { how = what; },
      [](const caf::error& why) { ADD_FAILURE() << caf::to_string(why); });
  EXPECT_THAT(how.why, HasSubstr("a rank of this node has died"));
  EXPECT_FALSE(how.over);
}

} // namespace
} // namespace troupe::tests
