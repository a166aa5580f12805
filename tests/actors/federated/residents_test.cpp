// Clients that their nodes bring: extras stand in for their doors.

#include <deque>
#include <set>

#include <gmock/gmock.h>

#include "protocols/participation.hpp"
#include "tests/actors/rehearsed_run.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct residents_test : rehearsed_run {
  std::deque<extra> homes;

  static aggregator_options three_rounds(
      std::size_t placed, duration lease_time = {}) {
    auto options = one_round(placed, lease_time);
    federated::settings common;
    common.rounds = 3;
    common.lease_time = lease_time;
    options.rule = federated::fedavg{common, 1.0};
    options.patience = 60s;
    return options;
  }

  extra& join(client_id client, const std::string& identity = "hospital-7") {
    auto& home = homes.emplace_back(stage);
    const auto who = home.as<resident>();
    stage.tell(aggregator, lend{{{home.as<compute>(), 0, {}}}, client});
    stage.tell(aggregator, enrol{client, 600, who, identity, "key", who});
    return home;
  }
  static seated_offer last_of(const extra& home) {
    const auto all = home.heard<seated_offer>();
    return all.empty() ? seated_offer{} : all.back();
  }
  /// It trains, and leaves a state there.
  void train_at(const extra& home, std::uint64_t values = 18) {
    const auto what = last_of(home);
    trained result;
    result.lease = what.lease;
    result.base = what.base;
    result.outcome = {600, 1, 0.5};
    result.delta = what.parameters;
    result.state = state_elsewhere(state_left_by(what.lease), values);
    stage.tell(aggregator, update{what.client, result});
    stage.tell(aggregator, added{0, {0}});
  }
  void lose(extra& home, errc how = errc::node_lost) {
    stage.tell(home.as<caf::actor>(),
        caf::exit_msg{{}, caf::make_error(how, std::string{"unplugged"})});
    pass(200ms);
  }
  void publish_and_store(version_id version) {
    stage.tell(aggregator, published{version});
    stage.tell(aggregator, stored{version, "", 0.0});
  }
  static std::vector<state_name> durable_at(const extra& home) {
    std::vector<state_name> result;
    for (const auto& each : home.heard<state_stored>())
      result.push_back(each.state);
    return result;
  }
};

TEST_F(residents_test, are_waited_for_with_a_fact) {
  auto options = three_rounds(0);
  options.residents_wanted = 2;
  begin_run(options);
  auto& one = join(0, "a");
  pass(200ms);

  ASSERT_THAT(told<facts::waiting>(), SizeIs(2));
  EXPECT_EQ(told<facts::waiting>()[1].needs, "residents");
  EXPECT_EQ(told<facts::waiting>()[1].have, 1u);
  EXPECT_EQ(told<facts::waiting>()[1].wanted, 2u);
  EXPECT_THAT(one.heard<seated_offer>(), IsEmpty());
  auto& two = join(1, "b");

  EXPECT_THAT(one.heard<seated_offer>(), SizeIs(1));
  EXPECT_THAT(two.heard<seated_offer>(), SizeIs(1));
}

TEST_F(residents_test, train_at_home_and_placed_clients_never_there) {
  begin_run(three_rounds(4));
  auto& home = join(4);
  std::set<client_id> trained;
  while (trained.size() < 4)
    for (client_id c = 0; c < 4; ++c)
      if (offer_to(c).on && trained.insert(c).second) {
        EXPECT_NE(offer_to(c).on, home.as<compute>());
        train(c);
      }
  stage.tell(aggregator, published{1});

  ASSERT_THAT(home.heard<seated_offer>(), SizeIs(1));
  EXPECT_EQ(last_of(home).client, 4u);
  EXPECT_EQ(last_of(home).on, home.as<compute>());
  EXPECT_EQ(last_of(home).base, 1u);
  pass(200ms);
  ASSERT_THAT(told<facts::client_joined>(), SizeIs(1));
  EXPECT_EQ(told<facts::client_joined>()[0].client, 4u);
  EXPECT_EQ(told<facts::client_joined>()[0].samples, 600u);
  EXPECT_EQ(told<facts::client_joined>()[0].identity, "hospital-7");
  EXPECT_EQ(told<facts::client_joined>()[0].key, "key");
}

TEST_F(residents_test, score_nothing) {
  begin_run(three_rounds(0));
  join(0);

  ASSERT_THAT(evaluator.heard<slots_lent>(), SizeIs(1));
  EXPECT_FALSE(evaluator.heard<slots_lent>()[0].scores);
}

TEST_F(residents_test, leave_with_their_node_and_nobody_has_failed) {
  begin_run(three_rounds(2));
  auto& home = join(2);
  train_both();
  publish_and_store(1);
  ASSERT_THAT(home.heard<seated_offer>(), SizeIs(1));
  for (client_id c : {0, 1})
    ASSERT_EQ(offer_to(c).base, 1u);

  lose(home);
  ASSERT_THAT(told<facts::client_left>(), SizeIs(1));
  EXPECT_EQ(told<facts::client_left>()[0].client, 2u);
  EXPECT_THAT(told<facts::client_left>()[0].why, HasSubstr("hospital-7"));
  EXPECT_THAT(told<facts::client_left>()[0].why, HasSubstr("unplugged"));
  for (client_id c : {0, 1})
    stage.tell(aggregator, update{c, {offer_to(c).lease, 1, {10, 1, 0.5}, 0.1,
                                         0.1, offer_to(c).parameters}});
  pass(200ms);

  EXPECT_THAT(sums.heard<publish>(), SizeIs(2)) << "by those who are there";
  EXPECT_THAT(told<facts::client_failed>(), IsEmpty());
  EXPECT_THAT(told<facts::requeued>(), IsEmpty());
  EXPECT_THAT(told<facts::run_ended>(), IsEmpty());
}

TEST_F(residents_test, are_missed_until_somebody_comes_where_nobody_else_is) {
  begin_run(three_rounds(0));
  auto& home = join(0);
  ASSERT_THAT(home.heard<seated_offer>(), SizeIs(1));

  lose(home);
  EXPECT_THAT(told<facts::run_ended>(), IsEmpty());
  EXPECT_EQ(told<facts::waiting>().back().needs, "clients");
  auto& again = join(0);

  ASSERT_THAT(again.heard<seated_offer>(), SizeIs(1));
  EXPECT_EQ(last_of(again).client, 0u);
  EXPECT_EQ(last_of(again).on, again.as<compute>());
}

TEST_F(residents_test, take_nothing_more_at_an_older_session) {
  begin_run(three_rounds(0));
  auto& older = join(0);
  auto& newer = join(0);

  EXPECT_THAT(newer.heard<seated_offer>(), SizeIs(1));
  lose(older);
  pass(200ms);

  EXPECT_THAT(older.heard<seated_offer>(), SizeIs(1));
  EXPECT_THAT(told<facts::client_left>(), SizeIs(1));
  EXPECT_THAT(told<facts::client_joined>(), SizeIs(2));
  train_at(newer);
  EXPECT_THAT(sums.heard<publish>(), SizeIs(1));
}

TEST_F(residents_test, are_named_the_state_that_counts) {
  begin_run(three_rounds(0));
  auto& home = join(0);
  EXPECT_FALSE(last_of(home).state);
  const auto lease = last_of(home).lease;
  train_at(home);
  publish_and_store(1);

  ASSERT_THAT(home.heard<seated_offer>(), SizeIs(2));
  const auto state = last_of(home).state.value();
  EXPECT_EQ(state.id, state_left_by(lease));
  EXPECT_EQ(state.count, 18u);
  EXPECT_FALSE(state.here);
}

TEST_F(residents_test, hear_which_state_is_durable) {
  begin_run(three_rounds(0));
  auto& home = join(0);
  EXPECT_THAT(durable_at(home), testing::ElementsAre(no_state)) << "at once";
  const auto lease = last_of(home).lease;
  train_at(home);
  stage.tell(aggregator, published{1});
  EXPECT_THAT(durable_at(home), SizeIs(1));

  stage.tell(aggregator, stored{1, "", 0.0});

  EXPECT_THAT(
      durable_at(home), testing::ElementsAre(no_state, state_left_by(lease)));
  ASSERT_THAT(scribe.heard<store>(), SizeIs(1));
  const auto what = scribe.heard<store>()[0];
  EXPECT_EQ(what.states.of(0).id, state_left_by(lease));
  ASSERT_THAT(what.residents, SizeIs(1));
  EXPECT_EQ(what.residents[0], (resident_client{0, "hospital-7", "key"}));
}

TEST_F(residents_test, go_on_from_the_state_of_a_stored_version) {
  auto options = three_rounds(0);
  const client_state one[] = {{0, state_elsewhere(431, 18)}};
  options.states = state_table{one};
  options.residents = {{0, "hospital-7", "key"}};
  begin_run(std::move(options));

  auto& home = join(0);

  EXPECT_THAT(durable_at(home), testing::ElementsAre(431));
  EXPECT_EQ(last_of(home).state.value().id, 431u);
  train_at(home);
  publish_and_store(1);
  EXPECT_THAT(scribe.heard<store>()[0].residents, SizeIs(1)) << "each once";
}

// Its node has no other slot: it is away until that returns.
TEST_F(residents_test, are_away_while_their_learner_does_not_return) {
  begin_run(three_rounds(1, 10s));
  auto& home = join(1);
  train(0);
  stage.tell(aggregator, published{1});
  ASSERT_THAT(home.heard<seated_offer>(), SizeIs(1));
  const auto late = last_of(home).lease;
  stage.tell(aggregator, update{0, {offer_to(0).lease, 1, {10, 1, 0.5}, 0.1,
                                       0.1, offer_to(0).parameters}});
  stage.tell(aggregator, added{0, {0}});

  pass(12s);

  EXPECT_THAT(told<facts::client_left>(), SizeIs(1));
  EXPECT_THAT(told<facts::slot_lost>(), testing::Not(IsEmpty()));
  EXPECT_THAT(home.heard<seated_offer>(), SizeIs(1));
  stage.tell(aggregator, failure{1, late, caf::make_error(errc::stopped)});
  pass(200ms);

  EXPECT_THAT(told<facts::client_joined>(), SizeIs(2));
}

TEST_F(residents_test, leave_when_they_are_drained) {
  begin_run(three_rounds(1));
  auto& home = join(1);
  train(0);
  stage.tell(aggregator, published{1});
  ASSERT_THAT(home.heard<seated_offer>(), SizeIs(1));

  stage.tell(aggregator, withdraw{told<facts::slot_joined>()[0].slot});
  train_at(home);
  pass(200ms);
  EXPECT_THAT(told<facts::slot_left>(), SizeIs(1));
  stage.tell(aggregator, leave{1});
  pass(200ms);

  ASSERT_THAT(told<facts::client_left>(), SizeIs(1));
  EXPECT_TRUE(told<facts::client_left>()[0].why.empty());
  EXPECT_THAT(told<facts::accepted>(), SizeIs(2)) << "what it had counts";
  lose(home, errc::node_left);
  EXPECT_THAT(told<facts::client_left>(), SizeIs(1));
}

} // namespace
} // namespace troupe::tests
