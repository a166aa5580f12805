// A node's end of its session: what is seated, brought, trained and lent.

#include <deque>
#include <optional>

#include <caf/event_based_actor.hpp>
#include <gmock/gmock.h>

#include "actors/cluster/host.hpp"
#include "protocols/errc.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/run.hpp"
#include "protocols/training.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {
namespace {

using namespace cluster;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A host of two clients and of two slots, the second of which is lane 3 of its
/// actor. All are extras, and the coordinator says what a test has it say.
struct host_test : testing::Test {
  rehearsal stage;
  std::deque<extra> clients;
  extra first{stage};
  extra second{stage};
  std::shared_ptr<scripted_peer> coordinator =
      std::make_shared<scripted_peer>();
  host at;
  std::shared_ptr<std::optional<farewell>> ended =
      std::make_shared<std::optional<farewell>>();

  host_test() {
    host_options how{coordinator, {}, {}, blank_samples(50)};
    for (int i = 0; i < 2; ++i)
      how.workers.push_back(clients.emplace_back(stage).as<worker>());
    how.slots = {{first.as<compute>(), 0, {}}, {second.as<compute>(), 3, {}}};
    at = stage.system().spawn<host_impl>(std::move(how));
    stage.system().spawn([at = at, into = ended](caf::event_based_actor* me) {
      ask(me, at, caf::infinite, serve{{{0, 0}, "same", {}}})
          .then([into](const farewell& last) { *into = last; });
    });
    stage.run();
  }
  ~host_test() override {
    caf::anon_send_exit(at, caf::exit_reason::user_shutdown);
  }

  /// What the coordinator says.
  template <class Frame>
  void say(Frame what) {
    stage.tell(at, std::move(what));
  }
  static tensor named(tensor_id id) {
    tensor result;
    result.id = id;
    result.count = 3;
    return result;
  }
  static seated order(lease_id lease, client_id client, tensor from,
      std::uint32_t lane = 0, std::uint64_t turn = 0) {
    return {{lease, client, 5, 0.0, 2, std::move(from)}, lane, turn};
  }
  void bring(tensor_id what, gpu::shared_buffer here = filled(3)) {
    stage.tell(at, fetched{what, std::move(here), 0.0f, {}});
  }
  /// Seats a lease whose version is here.
  void seat(lease_id lease, client_id client) {
    say(order(lease, client, named(40)));
    if (coordinator->asked.size() == 1)
      bring(40);
  }
  update trained(lease_id lease, client_id client) {
    update result{client, {}};
    result.result.lease = lease;
    result.result.base = 5;
    result.result.delta = filled(3, 2.0f);
    return result;
  }
  std::vector<lease_id> offered(client_id client) const {
    std::vector<lease_id> result;
    for (const auto& each : clients[client].heard<seated_offer>())
      result.push_back(each.lease);
    return result;
  }
  std::vector<lease_id> stopped(client_id client) const {
    std::vector<lease_id> result;
    for (const auto& each : clients[client].heard<revoke>())
      result.push_back(each.lease);
    return result;
  }
};

TEST_F(host_test, says_that_it_is_ready) {
  ASSERT_THAT(coordinator->sent<ready>(), SizeIs(1));
  EXPECT_THAT(coordinator->sent<ready>()[0].slots, SizeIs(2));
  EXPECT_EQ(coordinator->sent<ready>()[0].fingerprint, "same");
  EXPECT_FALSE(*ended);
}

TEST_F(host_test, seats_a_lease_once_its_version_is_here) {
  say(order(7, 1, named(40), 1, 6));
  ASSERT_THAT(coordinator->asked, SizeIs(1));
  EXPECT_EQ(coordinator->asked[0].id, 40u);
  EXPECT_THAT(offered(1), IsEmpty());
  const auto model = filled(3);

  bring(40, model);

  const auto got = clients[1].heard<seated_offer>();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].lease, 7u);
  EXPECT_EQ(got[0].client, 1u);
  EXPECT_EQ(got[0].base, 5u);
  EXPECT_EQ(got[0].work, 2u);
  EXPECT_EQ(got[0].parameters.here, model);
  EXPECT_EQ(got[0].on, second.as<compute>());
  EXPECT_EQ(got[0].lane, 3u);
  EXPECT_EQ(got[0].turn, 6u);
  EXPECT_EQ(got[0].reply_to.address(), at.address());
  EXPECT_FALSE(got[0].state);
}

TEST_F(host_test, seats_what_waits_for_one_version_in_order) {
  for (lease_id lease : {3, 1, 2})
    say(order(lease, 0, named(40)));

  bring(40);
  say(order(0, 0, named(40)));

  EXPECT_THAT(coordinator->asked, SizeIs(1));
  EXPECT_THAT(offered(0), ElementsAre(3, 1, 2, 0));
}

TEST_F(host_test, lets_nothing_wait_for_another_version) {
  say(order(1, 0, named(40)));
  say(order(2, 1, named(41)));

  bring(41);

  EXPECT_THAT(offered(0), IsEmpty());
  EXPECT_THAT(offered(1), ElementsAre(2));
}

TEST_F(host_test, keeps_a_version_until_it_is_released) {
  seat(1, 0);
  say(release{40});

  say(order(2, 0, named(40)));

  EXPECT_THAT(coordinator->asked, SizeIs(2));
  EXPECT_THAT(offered(0), ElementsAre(1));
}

struct both_tensors_test : host_test, testing::WithParamInterface<bool> {};

TEST_P(both_tensors_test, are_here_before_a_lease_is_seated) {
  auto what = order(1, 0, named(40));
  what.what.state = named(41);
  say(what);
  EXPECT_THAT(coordinator->asked, SizeIs(2));

  bring(GetParam() ? 40 : 41);
  EXPECT_THAT(offered(0), IsEmpty());
  const auto state = filled(3, 4.0f);
  bring(GetParam() ? 41 : 40, state);

  const auto got = clients[0].heard<seated_offer>();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_TRUE(got[0].parameters.here);
  ASSERT_TRUE(got[0].state.value().here);
  EXPECT_EQ(got[0].state.value().here == state, GetParam());
}

INSTANTIATE_TEST_SUITE_P(in_any_order, both_tensors_test, testing::Bool());

TEST_F(host_test, stops_what_waits_without_training_it) {
  say(order(1, 0, named(40), 1, 8));

  say(revoke{1});

  const auto tasks = second.heard<train_task>();
  ASSERT_THAT(tasks, SizeIs(1));
  EXPECT_EQ(tasks[0].lease, 1u);
  EXPECT_EQ(tasks[0].turn, 8u);
  EXPECT_EQ(tasks[0].lane, 3u);
  EXPECT_TRUE(tasks[0].stop.stop_requested());
  EXPECT_THAT(stopped(0), IsEmpty());
  say(failure{0, 1, caf::make_error(errc::stopped)});
  ASSERT_THAT(coordinator->sent<failure>(), SizeIs(1));
  EXPECT_EQ(coordinator->sent<failure>()[0].lease, 1u);
  EXPECT_EQ(coordinator->sent<failure>()[0].why, errc::stopped);
  bring(40);
  EXPECT_THAT(offered(0), IsEmpty());
}

TEST_F(host_test, stops_one_of_those_that_wait) {
  for (lease_id lease : {1, 2, 3})
    say(order(lease, 0, named(40)));

  say(revoke{2});
  bring(40);

  EXPECT_THAT(offered(0), ElementsAre(1, 3));
}

TEST_F(host_test, has_its_worker_stop_what_it_trains) {
  seat(1, 0);
  seat(2, 1);

  say(revoke{2});

  EXPECT_THAT(stopped(0), IsEmpty());
  EXPECT_THAT(stopped(1), ElementsAre(2));
}

TEST_F(host_test, heeds_no_revocation_of_what_is_answered) {
  seat(1, 0);
  say(trained(1, 0));

  say(revoke{1});
  say(revoke{5});

  EXPECT_THAT(stopped(0), IsEmpty());
}

TEST_F(host_test, keeps_the_turn_of_a_client_that_is_gone) {
  say(order(4, 1, {}, 0, 9));

  EXPECT_THAT(coordinator->asked, IsEmpty());
  EXPECT_THAT(offered(1), IsEmpty());
  const auto tasks = first.heard<train_task>();
  ASSERT_THAT(tasks, SizeIs(1));
  EXPECT_EQ(tasks[0].turn, 9u);
  EXPECT_EQ(tasks[0].work.client, 1u);
  EXPECT_TRUE(tasks[0].stop.stop_requested());
}

TEST_F(host_test, lends_what_was_trained_until_it_has_arrived) {
  seat(1, 0);
  const auto what = trained(1, 0);

  say(what);

  ASSERT_THAT(coordinator->sent<update>(), SizeIs(1));
  const auto sent = coordinator->sent<update>()[0].result;
  EXPECT_EQ(sent.lease, 1u);
  EXPECT_EQ(sent.base, 5u);
  EXPECT_EQ(coordinator->lent.at(sent.delta.id), what.result.delta.here);
  EXPECT_FALSE(sent.state);
  say(arrived{sent.delta.id});
  EXPECT_THAT(coordinator->lent, IsEmpty());
}

TEST_F(host_test, lends_what_its_client_keeps_beside_it) {
  seat(1, 0);
  auto what = trained(1, 0);
  const auto kept = filled(2, 5.0f);
  what.result.state = tensor{kept};

  say(what);

  ASSERT_THAT(coordinator->sent<update>(), SizeIs(1));
  const auto sent = coordinator->sent<update>()[0].result;
  EXPECT_EQ(coordinator->lent.at(sent.state.value().id), kept);
  say(arrived{sent.state.value().id});
  EXPECT_THAT(coordinator->lent, SizeIs(1));
}

TEST_F(host_test, needs_not_fetch_what_went_before) {
  const auto model = filled(3);
  say(carried{40, model});

  say(order(7, 1, named(40)));
  say(score{9, 20, 30, named(40), 1});

  EXPECT_THAT(coordinator->asked, IsEmpty());
  ASSERT_THAT(clients[1].heard<seated_offer>(), SizeIs(1));
  EXPECT_EQ(clients[1].heard<seated_offer>()[0].parameters.here, model);
  ASSERT_THAT(second.heard<evaluate_task>(), SizeIs(1));
  EXPECT_EQ(second.heard<evaluate_task>()[0].parameters.here, model);
}

TEST_F(host_test, keeps_what_went_before_until_it_is_released) {
  say(carried{40, filled(3)});
  say(release{40});

  say(order(7, 1, named(40)));

  EXPECT_THAT(coordinator->asked, SizeIs(1));
  EXPECT_THAT(offered(1), IsEmpty());
}

struct false_cargo_test : host_test, testing::WithParamInterface<carried> {};

TEST_P(false_cargo_test, ends_the_session) {
  say(carried{40, filled(3)});

  say(GetParam());

  EXPECT_THAT(coordinator->closed, SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(every, false_cargo_test,
    testing::Values(carried{40, filled(3)}, carried{41, {}}));

TEST_F(host_test, seats_a_state_that_came_along) {
  say(carried{40, filled(3)});
  auto what = order(1, 0, named(40));
  const auto state = filled(1, 4.0f);
  what.what.state = tensor{state};

  say(what);

  const auto got = clients[0].heard<seated_offer>();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].state.value().here, state);
}

TEST_F(host_test, sends_small_tensors_along_with_their_update) {
  coordinator->along = true;
  seat(1, 0);
  auto what = trained(1, 0);
  what.result.state = tensor{filled(2, 5.0f)};

  say(what);

  ASSERT_THAT(coordinator->sent<update>(), SizeIs(1));
  const auto sent = coordinator->sent<update>()[0].result;
  EXPECT_EQ(sent.delta.here, what.result.delta.here);
  EXPECT_EQ(sent.delta.id, 0u);
  EXPECT_EQ(sent.state.value()->span()[0], 5.0f);
  EXPECT_THAT(coordinator->lent, IsEmpty());
}

TEST_F(host_test, answers_each_lease_once_and_none_that_it_has_not) {
  seat(1, 0);

  say(trained(1, 0));
  say(trained(1, 0));
  say(trained(6, 0));
  say(failure{0, 1, caf::make_error(errc::learner_failed)});

  EXPECT_THAT(coordinator->sent<update>(), SizeIs(1));
  EXPECT_THAT(coordinator->sent<failure>(), IsEmpty());
  EXPECT_THAT(coordinator->lent, SizeIs(1));
}

TEST_F(host_test, says_why_a_client_failed) {
  seat(1, 0);

  say(failure{0, 1, caf::make_error(errc::learner_failed, "no luck")});

  ASSERT_THAT(coordinator->sent<failure>(), SizeIs(1));
  EXPECT_EQ(coordinator->sent<failure>()[0].why, errc::learner_failed);
  EXPECT_THAT(coordinator->lent, IsEmpty());
}

TEST_F(host_test, has_a_slot_stop_a_part_that_is_called_off) {
  say(score{8, 0, 10, named(40), 0});
  say(score{9, 10, 10, named(40), 1});
  bring(40, filled(3));

  say(call_off{9});
  say(call_off{7}); // nobody knows it any more

  EXPECT_FALSE(first.heard<evaluate_task>()[0].stop.stop_requested());
  EXPECT_TRUE(second.heard<evaluate_task>()[0].stop.stop_requested());
  say(evaluated_part{9, {}, 0.0, caf::make_error(errc::stopped)});
  EXPECT_EQ(coordinator->sent<evaluated_part>()[0].failed, errc::stopped);
}

TEST_F(host_test, answers_a_part_that_was_called_off_before_it_began) {
  say(score{9, 10, 10, named(40), 1});

  say(call_off{9});
  bring(40, filled(3));

  ASSERT_THAT(second.heard<evaluate_task>(), SizeIs(1));
  EXPECT_TRUE(second.heard<evaluate_task>()[0].stop.stop_requested());
}

TEST_F(host_test, scores_once_the_version_is_here) {
  say(score{9, 20, 30, named(40), 1});
  EXPECT_THAT(second.heard<evaluate_task>(), IsEmpty());
  const auto model = filled(3);

  bring(40, model);

  const auto tasks = second.heard<evaluate_task>();
  ASSERT_THAT(tasks, SizeIs(1));
  EXPECT_EQ(tasks[0].part, 9u);
  EXPECT_EQ(tasks[0].first, 20u);
  EXPECT_EQ(tasks[0].data.size(), 30u);
  EXPECT_EQ(tasks[0].lane, 3u);
  EXPECT_EQ(tasks[0].parameters.here, model);
  say(part_begun{9, true});
  say(evaluated_part{9, {30, 12, 1.5}, 0.1, {}});
  EXPECT_THAT(coordinator->sent<part_begun>(), SizeIs(1));
  ASSERT_THAT(coordinator->sent<evaluated_part>(), SizeIs(1));
  EXPECT_EQ(coordinator->sent<evaluated_part>()[0].sums.correct, 12u);
}

TEST_F(host_test, ends_the_session_of_who_names_a_slot_that_is_none) {
  say(order(1, 0, named(40), 2));

  ASSERT_THAT(coordinator->closed, SizeIs(1));
  EXPECT_THAT(coordinator->closed[0], HasSubstr("slot 2"));
  EXPECT_THAT(coordinator->asked, IsEmpty());
}

TEST_F(host_test, ends_the_session_of_who_names_a_client_that_is_none) {
  say(order(1, 2, named(40)));

  ASSERT_THAT(coordinator->closed, SizeIs(1));
  EXPECT_THAT(coordinator->closed[0], HasSubstr("client 2"));
  EXPECT_THAT(coordinator->asked, IsEmpty());
}

struct false_score_test : host_test, testing::WithParamInterface<score> {};

TEST_P(false_score_test, ends_the_session) {
  say(GetParam());

  EXPECT_THAT(coordinator->closed, SizeIs(1));
  EXPECT_THAT(coordinator->asked, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(every, false_score_test,
    testing::Values(score{9, 0, 10, {}, 2}, score{9, 51, 0, {}, 0},
        score{9, 20, 31, {}, 0}, score{9, 20, ~std::uint64_t{0}, {}, 0}));

TEST_F(host_test, ends_the_session_where_a_version_does_not_come) {
  say(order(1, 0, named(40)));

  stage.tell(at, fetched{40, {}, 0.0f, "it is not lent"});

  ASSERT_THAT(coordinator->closed, SizeIs(1));
  EXPECT_THAT(coordinator->closed[0], HasSubstr("it is not lent"));
  EXPECT_THAT(offered(0), IsEmpty());
}

TEST_F(host_test, ends_by_a_farewell_as_it_says) {
  say(farewell{"the run failed", true, 3});

  ASSERT_TRUE(*ended);
  EXPECT_EQ((*ended)->why, "the run failed");
  EXPECT_TRUE((*ended)->over);
  EXPECT_EQ((*ended)->code, 3);
  EXPECT_THAT(coordinator->closed, SizeIs(1));
}

TEST_F(host_test, ends_without_its_coordinator_but_may_come_back) {
  say(parted{"it was silent", false});

  ASSERT_TRUE(*ended);
  EXPECT_EQ((*ended)->why, "it was silent");
  EXPECT_FALSE((*ended)->over);
}

TEST_F(host_test, ends_for_good_where_it_is_refused) {
  say(refusal{"it has other data"});

  ASSERT_TRUE(*ended);
  EXPECT_EQ((*ended)->why, "it has other data");
  EXPECT_TRUE((*ended)->over);
  EXPECT_NE((*ended)->code, 0);
}

TEST_F(host_test, ends_once) {
  say(farewell{"the run is complete", true, 0});
  say(parted{"closed", true});

  EXPECT_EQ((*ended)->why, "the run is complete");
  EXPECT_THAT(coordinator->closed, SizeIs(1));
}

TEST_F(host_test, has_everybody_stop_in_the_end) {
  seat(1, 0);
  seat(2, 1);
  say(trained(1, 0));
  say(score{9, 0, 10, named(40), 0});
  ASSERT_THAT(first.heard<evaluate_task>(), SizeIs(1));
  EXPECT_FALSE(first.heard<evaluate_task>()[0].stop.stop_requested());

  say(farewell{"the run is complete", true, 0});

  EXPECT_THAT(stopped(0), IsEmpty());
  EXPECT_THAT(stopped(1), ElementsAre(2));
  EXPECT_TRUE(first.heard<evaluate_task>()[0].stop.stop_requested());
}

TEST_F(host_test, does_nothing_behind_the_end) {
  seat(1, 0);
  say(farewell{"the run is complete", true, 0});

  say(trained(1, 0));
  say(order(2, 1, named(40)));
  say(interrupt{});

  EXPECT_THAT(coordinator->lent, IsEmpty());
  EXPECT_THAT(coordinator->sent<update>(), IsEmpty());
  EXPECT_THAT(coordinator->sent<drain>(), IsEmpty());
  EXPECT_THAT(offered(1), IsEmpty());
}

TEST_F(host_test, asks_to_leave_and_goes_on_until_it_may) {
  seat(1, 0);

  say(interrupt{});
  say(drain{});
  say(trained(1, 0));

  EXPECT_THAT(coordinator->sent<drain>(), SizeIs(1));
  EXPECT_THAT(coordinator->sent<update>(), SizeIs(1));
  EXPECT_FALSE(*ended);
}

TEST_F(host_test, counts_every_frame_of_its_coordinator) {
  seat(1, 0);
  say(trained(1, 0));
  say(arrived{coordinator->lent.begin()->first});
  say(release{40});
  say(farewell{});
  say(revoke{1});

  EXPECT_EQ(coordinator->heard, 5u);
}

} // namespace
} // namespace troupe::tests
