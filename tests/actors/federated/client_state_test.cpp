// The state of a client, on its way with leases and into versions.

#include <memory>

#include <gtest/gtest.h>

#include "actors/computing/compute.hpp"
#include "protocols/federated/client_states.hpp"
#include "protocols/federated/fedavg.hpp"
#include "tests/actors/rehearsed_run.hpp"
#include "tests/protocols/federated/careless.hpp"
#include "tests/support/counted_updates.hpp"
#include "tests/support/counting_learner.hpp"
#include "tests/support/stage.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;

tensor state_of(float value) {
  auto block = std::make_shared<gpu::buffer>(1);
  block->span()[0] = value;
  return block;
}

float value_of(const tensor& state) {
  return state ? state->span()[0] : 0.0f;
}

/// Two clients; what one leaves is what it had, and one more.
struct client_state_test : rehearsed_run {
  static aggregator_options rounds(
      std::uint64_t count, std::uint64_t min_updates = 1) {
    federated::settings common;
    common.rounds = count;
    common.min_updates = min_updates;
    auto options = one_round(2);
    options.rule = federated::fedavg{common, 1.0};
    return options;
  }
  float given_to(client_id client) const {
    return value_of(offer_to(client).state.value());
  }
  void answer(client_id client, float largest = 0.0f) {
    const auto what = offer_to(client);
    stage.tell(aggregator,
        update{
            client, {what.lease, what.base, {10, 1, 0.5}, 0.1, 0.1,
                        std::make_shared<const gpu::buffer>(1), largest, false,
                        false, state_of(value_of(what.state.value()) + 1)}});
  }
  void answer_both() {
    answer(0);
    answer(1);
  }
  void add_up() {
    const auto all = sums.heard<add>().size();
    stage.tell(aggregator,
        added{0, std::vector<std::uint64_t>(all - std::exchange(added_, all))});
  }
  void make_version(version_id number) {
    add_up();
    stage.tell(aggregator, published{number});
  }
  std::vector<fact> facts() const {
    std::vector<fact> result;
    for (const auto& batch : scribe.heard<fact_batch>())
      result.insert(result.end(), batch.facts->begin(), batch.facts->end());
    return result;
  }

private:
  std::size_t added_ = 0;
};

TEST_F(client_state_test, goes_with_the_next_lease) {
  begin_run(rounds(3));
  EXPECT_FALSE(offer_to(0).state);

  answer_both();
  make_version(1);
  EXPECT_EQ(given_to(0), 1);
  answer_both();
  make_version(2);

  EXPECT_EQ(given_to(1), 2);
  EXPECT_EQ(offer_to(1).base, 2u);
}

TEST_F(client_state_test, is_stored_with_its_version) {
  begin_run(rounds(3));

  answer_both();
  make_version(1);

  ASSERT_EQ(scribe.heard<store>().size(), 1u);
  EXPECT_EQ(value_of(scribe.heard<store>()[0].states.of(1)), 1);
}

TEST_F(client_state_test, is_what_it_was_behind_a_lease_that_failed) {
  begin_run(rounds(3));
  answer_both();
  make_version(1);

  answer(0);
  give_up(1, errc::learner_failed);
  make_version(2);

  EXPECT_EQ(given_to(0), 2);
  EXPECT_EQ(given_to(1), 1);
}

TEST_F(client_state_test, is_what_it_was_behind_an_update_that_is_refused) {
  begin_run(rounds(3));
  answer_both();
  make_version(1);

  answer(0);
  answer(1, 1e30f);
  make_version(2);

  EXPECT_EQ(given_to(0), 2);
  EXPECT_EQ(given_to(1), 1);
}

TEST_F(client_state_test, is_what_it_was_behind_a_round_that_is_skipped) {
  begin_run(rounds(3, 2));
  answer_both();
  make_version(1);

  answer(0);
  give_up(1, errc::learner_failed);
  add_up();
  pass(200ms);

  ASSERT_EQ(told<facts::round_skipped>().size(), 1u);
  EXPECT_EQ(given_to(0), 1);
}

TEST_F(client_state_test, goes_with_the_lease_that_takes_a_lost_ones_place) {
  begin_run(rounds(3));
  answer_both();
  make_version(1);
  const auto lost = offer_to(0).on == first.as<compute>() ? 0u : 1u;
  const auto before = offer_to(lost).lease;

  kill(first, "unplugged");
  answer(1 - lost);

  EXPECT_NE(offer_to(lost).lease, before);
  EXPECT_EQ(given_to(lost), 1);
}

TEST_F(client_state_test, is_what_a_version_to_go_on_from_had) {
  auto options = rounds(3);
  const client_state kept[] = {{1, state_of(7)}};
  options.states = state_table{kept};

  begin_run(std::move(options));

  EXPECT_FALSE(offer_to(0).state);
  EXPECT_EQ(given_to(1), 7);
}

// A rule that skips a round while leases are out whose states it takes back.
TEST_F(client_state_test, is_not_built_on_what_was_taken_back) {
  auto options = rounds(3);
  federated::settings common;
  common.rounds = 50;
  options.rule = federated::careless{common};
  options.evaluate_every = 0;
  begin_run(std::move(options));

  version_id made = 0;
  for (int i = 0; i < 2000 && made < 50; ++i) {
    answer_both();
    add_up();
    if (sums.heard<publish>().size() == made)
      continue;
    stage.tell(aggregator, published{++made});
    stage.tell(aggregator, stored{made, {}, 0.0});
  }
  pass(200ms);

  EXPECT_EQ(made, 50u);
  EXPECT_FALSE(told<facts::requeued>().empty());
  const auto last = scribe.heard<store>().back();
  EXPECT_EQ(last.version, 50u);
  for (auto [client, updates] : counted_updates(facts()))
    EXPECT_EQ(value_of(last.states.of(client)), float(updates));
}

// Real actors on real threads.

script counting(federated::rule rule) {
  script s;
  s.rule = std::move(rule);
  s.slots = 4;
  s.spawn_slots = [](const script& what, caf::actor_system& system) {
    std::vector<compute_slot> result;
    for (std::size_t i = 0; i < what.slots; ++i)
      result.push_back({system.spawn<compute_impl, caf::detached>(gpu::device{},
                            counting_learners(what.parameters, what.mishap)),
          0, {}});
    return result;
  };
  return s;
}

void expect_counted(const performance& run) {
  ASSERT_FALSE(run.stores.empty());
  for (const auto& stored : run.stores) {
    const auto updates = counted_updates(run.facts, stored.version);
    EXPECT_EQ(stored.states.size(), updates.size());
    for (auto [client, count] : updates)
      EXPECT_EQ(value_of(stored.states.of(client)), float(count))
          << "client " << client << " in version " << stored.version;
  }
}

TEST(client_state_run_test, counts_what_counts_under_fedavg) {
  auto s = counting(fedavg_rule(20, 0.6));
  s.mishap = [](const training::assignment& work, std::stop_token) {
    return work.client == work.version % 10;
  };
  auto run = play(s);

  EXPECT_FALSE(run.all<facts::client_failed>().empty());
  expect_counted(run);
}

TEST(client_state_run_test, counts_what_counts_under_fedbuff) {
  expect_counted(play(counting(fedbuff_rule(60, 3, 6))));
}

TEST(client_state_run_test, changes_no_bit_by_the_number_of_slots) {
  auto s = counting(fedavg_rule(10, 0.6));
  s.slots = 1;
  const auto one = play(s);
  s.slots = 8;
  const auto eight = play(s);

  EXPECT_EQ(one.parameters(), eight.parameters());
  const auto states = one.stores.back().states.all();
  ASSERT_FALSE(states.empty());
  for (const auto& [client, values] : states)
    EXPECT_TRUE(std::ranges::equal(
        values->span(), eight.stores.back().states.of(client)->span()));
}

TEST(client_state_run_test, goes_on_from_a_stored_version) {
  const auto whole = play(counting(fedavg_rule(8, 0.6)));
  const auto& kept = whole.stores.front();
  ASSERT_LT(kept.version, 8u);

  auto s = counting(fedavg_rule(8, 0.6));
  s.restored = kept.rule;
  s.parameters_from = kept.parameters;
  s.states = kept.states;
  s.incarnation = 1;
  const auto rest = play(s);

  EXPECT_EQ(rest.parameters(), whole.parameters());
  s.states = {};
  EXPECT_NE(play(s).parameters(), whole.parameters());
}

} // namespace
} // namespace troupe::tests
