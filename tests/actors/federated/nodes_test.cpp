// Nodes that come, are lost and leave while a run goes on: extras stand in for
// their doors.

#include <deque>
#include <memory>

#include <caf/event_based_actor.hpp>
#include <gmock/gmock.h>

#include "protocols/participation.hpp"
#include "protocols/verbs.hpp"
#include "tests/actors/rehearsed_run.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct nodes_test : rehearsed_run {
  std::deque<extra> nodes;

  nodes_test() { slots.clear(); }

  static aggregator_options waiting_for(
      std::size_t nodes, std::size_t clients = 2) {
    auto options = one_round(clients);
    options.nodes = nodes;
    options.patience = 60s;
    return options;
  }
  /// The same, and so many at any time.
  static aggregator_options needing(std::size_t nodes, std::size_t clients) {
    auto options = waiting_for(nodes, clients);
    options.nodes_least = nodes;
    return options;
  }
  void join(const std::string& name) {
    stage.tell(aggregator, facts::node_joined{name, 1, 1, "here"});
  }
  void leave(const std::string& name) {
    stage.tell(aggregator, facts::node_left{name, 2, "it was silent", true});
  }
  /// Another node, of one slot.
  extra& lend_one() {
    auto& node = nodes.emplace_back(stage);
    stage.tell(aggregator, lend{{{node.as<compute>(), 0, {}}}});
    return node;
  }
  void lose(extra& node, errc how = errc::node_lost) {
    stage.tell(node.as<caf::actor>(),
        caf::exit_msg{{}, caf::make_error(how, std::string{"unplugged"})});
  }
  std::size_t offers(client_id client) const {
    return workers[client].heard<seated_offer>().size();
  }
  /// The client that trains there.
  client_id at(extra& node) const {
    for (client_id c = 0; c < workers.size(); ++c)
      if (offer_to(c).on == node.as<compute>())
        return c;
    ADD_FAILURE() << "nobody trains there";
    return 0;
  }
  client_id other_than(client_id client) const { return 1 - client; }
  /// Asks for a slot; whether that is answered will be seen.
  std::shared_ptr<bool> ask_for(slot_id slot) {
    auto answered = std::make_shared<bool>();
    stage.system().spawn(
        [slot, answered, to = aggregator](caf::event_based_actor* me) {
          ask(me, to, caf::infinite, withdraw{slot}).then([answered] {
            *answered = true;
          });
        });
    stage.run();
    return answered;
  }
  /// Whoever trains there answers that it was stopped.
  void finish_all(extra&) {
    for (client_id c = 0; c < workers.size(); ++c)
      if (offers(c) > 0)
        stage.tell(aggregator,
            failure{c, offer_to(c).lease, caf::make_error(errc::stopped)});
    pass(5s);
  }
  void finish_run() {
    make_version();
    store_version();
    stage.tell(aggregator, scored{1, {20, 10, 0.5}, 0.0, 0.0, {}});
    pass(1s);
  }
};

TEST_F(nodes_test, are_waited_for_with_a_fact) {
  begin_run(waiting_for(2));
  pass(200ms);

  ASSERT_THAT(told<facts::waiting>(), SizeIs(1));
  EXPECT_EQ(told<facts::waiting>()[0].needs, "nodes");
  EXPECT_EQ(told<facts::waiting>()[0].have, 0u);
  EXPECT_EQ(told<facts::waiting>()[0].wanted, 2u);
}

TEST_F(nodes_test, begin_the_run_once_all_are_there) {
  begin_run(waiting_for(2));
  join("alpha");
  lend_one();
  EXPECT_EQ(offers(0) + offers(1), 0u);

  join("beta");
  lend_one();

  EXPECT_EQ(offers(0), 1u);
  EXPECT_EQ(offers(1), 1u);
  pass(200ms);
  EXPECT_THAT(told<facts::node_joined>(), SizeIs(2));
}

TEST_F(nodes_test, are_told_of_as_they_come) {
  begin_run(waiting_for(2));
  join("alpha");
  pass(200ms);

  ASSERT_THAT(told<facts::waiting>(), SizeIs(2));
  EXPECT_EQ(told<facts::waiting>()[1].have, 1u);
  leave("alpha");
  pass(200ms);

  ASSERT_THAT(told<facts::waiting>(), SizeIs(3));
  EXPECT_EQ(told<facts::waiting>()[2].have, 0u);
}

TEST_F(nodes_test, that_were_lost_are_not_there) {
  begin_run(waiting_for(2));
  join("alpha");
  lend_one();
  leave("alpha");

  join("beta");
  lend_one();
  EXPECT_EQ(offers(0) + offers(1), 0u);
  join("alpha");

  EXPECT_EQ(offers(0) + offers(1), 2u);
}

TEST_F(nodes_test, have_so_long_to_come_and_no_longer) {
  begin_run(waiting_for(2));
  pass(40s);
  join("alpha");
  lend_one();

  pass(21s);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(end().why, HasSubstr("1 of 2 nodes have come within 60 s"));
}

TEST_F(nodes_test, are_waited_for_behind_clients) {
  auto options = waiting_for(1);
  options.quorum = 3;
  begin_run(options);
  stage.tell(
      aggregator, enrol{2, 10, workers.emplace_back(stage).as<worker>()});
  pass(200ms);

  ASSERT_THAT(told<facts::waiting>(), SizeIs(2));
  EXPECT_EQ(told<facts::waiting>()[0].needs, "clients");
  EXPECT_EQ(told<facts::waiting>()[1].needs, "nodes");
  pass(60s);
  EXPECT_THAT(end().why, HasSubstr("0 of 1 nodes"));
}

TEST_F(nodes_test, below_their_quorum_are_given_nothing_new) {
  begin_run(needing(2, 3));
  join("alpha");
  join("beta");
  auto& one = lend_one();
  ASSERT_EQ(offers(0) + offers(1) + offers(2), 1u);
  leave("beta");

  train(at(one));

  EXPECT_EQ(offers(0) + offers(1) + offers(2), 1u);
  pass(200ms);
  ASSERT_FALSE(told<facts::waiting>().empty());
  EXPECT_EQ(told<facts::waiting>().back().needs, "nodes");
  EXPECT_EQ(told<facts::waiting>().back().have, 1u);
  EXPECT_EQ(told<facts::waiting>().back().whom, "beta");
  join("beta");
  pass(200ms);
  EXPECT_EQ(offers(0) + offers(1) + offers(2), 2u);
  EXPECT_EQ(told<facts::went_on>().back().needs, "nodes");
}

TEST_F(nodes_test, that_drain_are_not_there) {
  begin_run(needing(2, 3));
  join("alpha");
  join("beta");
  auto& one = lend_one();

  stage.tell(
      aggregator, facts::node_changed{"beta", "draining", 3, 0, 1, 1, 0, 0});
  train(at(one));

  EXPECT_EQ(offers(0) + offers(1) + offers(2), 1u);
}

TEST_F(nodes_test, that_do_not_come_back_end_the_run_by_name) {
  begin_run(needing(2, 3));
  join("alpha");
  join("beta");
  auto& one = lend_one();
  leave("beta");
  pass(59s);
  EXPECT_THAT(told<facts::run_ended>(), IsEmpty());

  pass(2s);
  finish_all(one);

  EXPECT_EQ(end().outcome, "failed");
  EXPECT_THAT(
      end().why, HasSubstr("1 of 2 nodes were there for 60 s; missing: beta"));
  EXPECT_EQ(report().why, errc::no_quorum);
}

TEST_F(nodes_test, that_do_not_come_back_interrupt_the_run_if_they_are_to) {
  auto options = needing(2, 3);
  options.then = membership::resort::interrupt;
  begin_run(std::move(options));
  join("alpha");
  join("beta");
  auto& one = lend_one();
  leave("beta");

  pass(61s);
  finish_all(one);

  EXPECT_EQ(report().outcome, run_outcome::interrupted);
  EXPECT_EQ(report().why, errc::no_quorum);
}

TEST_F(nodes_test, that_are_left_go_on_alone_if_they_are_to) {
  auto options = needing(2, 3);
  options.then = membership::resort::go_on;
  begin_run(std::move(options));
  join("alpha");
  join("beta");
  auto& one = lend_one();
  leave("beta");

  pass(61s);
  train(at(one));

  EXPECT_THAT(told<facts::run_ended>(), IsEmpty());
  EXPECT_EQ(offers(0) + offers(1) + offers(2), 2u);
}

TEST_F(nodes_test, tell_that_bits_are_promised_no_more) {
  begin_run(waiting_for(0));
  stage.tell(aggregator, facts::fingerprint_mixed{"beta", "other"});
  lend_one();
  lend_one();

  train(0);
  train(1);
  finish_run();

  EXPECT_FALSE(report().promises_bits);
  ASSERT_THAT(told<facts::fingerprint_mixed>(), SizeIs(1));
  EXPECT_EQ(told<facts::fingerprint_mixed>()[0].node, "beta");
}

TEST_F(nodes_test, that_are_lost_leave_their_leases_to_others) {
  begin_run(waiting_for(0));
  auto& lost = lend_one();
  lend_one();
  const auto client = at(lost);
  const auto before = offer_to(client).lease;

  lose(lost);
  train(other_than(client));
  pass(200ms);

  ASSERT_EQ(offers(client), 2u);
  EXPECT_NE(offer_to(client).lease, before);
  EXPECT_EQ(offer_to(client).on, nodes[1].as<compute>());
  ASSERT_THAT(told<facts::requeued>(), SizeIs(1));
  EXPECT_EQ(told<facts::requeued>()[0].lease, before);
  EXPECT_THAT(told<facts::client_failed>(), IsEmpty());
  EXPECT_THAT(told<facts::slot_lost>(), IsEmpty());
  ASSERT_THAT(told<facts::slot_left>(), SizeIs(1));
  EXPECT_EQ(told<facts::slot_left>()[0].slot, 0u);
}

TEST_F(nodes_test, that_are_lost_cost_the_run_no_slot) {
  begin_run(waiting_for(0));
  auto& lost = lend_one();
  lend_one();
  const auto client = at(lost);

  lose(lost);
  train(other_than(client));
  train(client);
  finish_run();

  EXPECT_EQ(report().outcome, run_outcome::completed);
  EXPECT_EQ(report().slots_lost, 0u);
  EXPECT_EQ(report().updates, 2u);
}

TEST_F(nodes_test, that_leave_behind_nobody_are_waited_for) {
  begin_run(waiting_for(0));
  auto& only = lend_one();

  lose(only, errc::node_left);
  pass(200ms);

  ASSERT_THAT(told<facts::run_ended>(), IsEmpty());
  EXPECT_EQ(told<facts::waiting>().back().needs, "compute slots");
  lend_one();
  EXPECT_EQ(offers(0) + offers(1), 2u);
}

TEST_F(nodes_test, of_which_three_are_lost_with_a_client_blame_it) {
  begin_run(waiting_for(0, 1));

  for (int i = 0; i < 3; ++i)
    lose(lend_one());
  pass(200ms);

  EXPECT_EQ(offers(0), 3u);
  EXPECT_THAT(told<facts::requeued>(), SizeIs(2));
  ASSERT_THAT(told<facts::client_failed>(), SizeIs(1));
  EXPECT_EQ(told<facts::client_failed>()[0].client, 0u);
  EXPECT_EQ(told<facts::client_failed>()[0].code, "node_lost");
  EXPECT_THAT(told<facts::client_failed>()[0].why, HasSubstr("three nodes"));
}

TEST_F(nodes_test, that_leave_in_order_blame_nobody) {
  begin_run(waiting_for(0, 1));

  for (int i = 0; i < 4; ++i)
    lose(lend_one(), errc::node_left);
  pass(200ms);

  EXPECT_EQ(offers(0), 4u);
  EXPECT_THAT(told<facts::client_failed>(), IsEmpty());
}

TEST_F(nodes_test, have_a_slot_back_at_once_that_is_idle) {
  begin_run(waiting_for(0, 1));
  lend_one();
  lend_one();
  const auto idle = offer_to(0).on == nodes[0].as<compute>() ? 1u : 0u;

  EXPECT_TRUE(*ask_for(idle));
  EXPECT_TRUE(*ask_for(idle)) << "it has left before";
}

TEST_F(nodes_test, have_a_slot_back_once_it_has_finished) {
  begin_run(waiting_for(0));
  auto& node = lend_one();
  lend_one();

  const auto back = ask_for(0);
  EXPECT_FALSE(*back);
  train(at(node));

  EXPECT_TRUE(*back);
}

TEST_F(nodes_test, have_a_slot_back_that_does_not_return) {
  auto options = one_round(2, 10s);
  options.patience = 60s;
  begin_run(std::move(options));
  auto& node = lend_one();
  lend_one();
  const auto client = at(node);
  const auto lease = offer_to(client).lease;
  const auto back = ask_for(0);
  train(other_than(client));

  pass(11100ms); // its learner heeds no stop token

  EXPECT_TRUE(*back);
  EXPECT_THAT(told<facts::slot_lost>(), SizeIs(1));
  stage.tell(
      aggregator, failure{client, lease, caf::make_error(errc::stopped)});
  pass(200ms);
  EXPECT_THAT(told<facts::slot_returned>(), IsEmpty());
}

TEST_F(nodes_test, have_a_slot_back_that_was_lost_before) {
  auto options = one_round(2, 10s);
  options.patience = 60s;
  begin_run(std::move(options));
  auto& node = lend_one();
  lend_one();
  train(other_than(at(node)));
  pass(11100ms);
  ASSERT_THAT(told<facts::slot_lost>(), SizeIs(1));

  EXPECT_TRUE(*ask_for(0));
}

} // namespace
} // namespace troupe::tests
