#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/federated/saved.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::string_literals;

template <class Rule>
Rule reloaded(const Rule& rule) {
  Rule again;
  restore(again, save(rule));
  return again;
}

template <class Rule>
trial<Rule> resumed(
    const Rule& rule, client_id clients, std::uint64_t incarnation = 1) {
  trial<Rule> t{reloaded(rule)};
  for (client_id i = 0; i < clients; ++i)
    t.join(i);
  t.begin(incarnation);
  return t;
}

std::string hex(const saved& bytes) {
  std::string result;
  for (auto byte : bytes)
    for (auto digit : {byte >> 4, byte & 15})
      result += "0123456789abcdef"[digit];
  return result;
}

} // namespace

TEST(saved_fedavg_test, runs_an_open_round_again_with_the_same_cohort) {
  trial<fedavg> t{fedavg{{.seed = 7}, 0.3}, 20};
  const auto leases = t.said.grants;
  const auto weight = t.arrive(leases[0]).weight;

  auto again = resumed(t.rule, 20);

  EXPECT_EQ(again.rule.round(), 1);
  EXPECT_EQ(again.rule.buffered(), 0);
  EXPECT_EQ(clients_of(again.said.grants), clients_of(leases));
  EXPECT_EQ(again.said.grants[0].lease, first_lease(1));
  EXPECT_EQ(again.arrive(leases[1]).why, drop_reason::late);
  EXPECT_EQ(again.arrive(resumed(t.rule, 20).said.grants[0]).weight, weight);
}

TEST(saved_fedavg_test, goes_on_behind_a_version_that_was_asked_for) {
  trial<fedavg> t{fedavg{{.rounds = 2}, 1.0}, 2};
  for (const auto& g : std::vector(t.said.grants))
    t.arrive(g);

  auto again = resumed(t.rule, 2);

  EXPECT_EQ(again.rule.version(), 1);
  EXPECT_EQ(again.rule.round(), 2);
  EXPECT_EQ(again.rule.accepted(), 2);
  EXPECT_EQ(again.said.grants.at(0).base, 1);
}

TEST(saved_fedavg_test, has_nothing_to_do_behind_its_last_round) {
  trial<fedavg> t{fedavg{{.rounds = 1}, 1.0}, 1};
  t.arrive(t.said.grants[0]);

  auto again = resumed(t.rule, 1);

  EXPECT_EQ(again.said.end, ending::completed);
  EXPECT_THAT(again.said.grants, IsEmpty());
}

TEST(saved_fedavg_test, goes_on_behind_its_last_round_once_extended) {
  trial<fedavg> t{fedavg{{.rounds = 1}, 1.0}, 1};
  t.arrive(t.said.grants[0]);
  trial<fedavg> again{reloaded(t.rule)};

  again.rule.rounds(2);
  again.join(0);
  again.begin(1);

  EXPECT_THAT(again.said.grants, SizeIs(1));
}

TEST(saved_fedavg_test, keeps_its_settings) {
  const fedavg fresh{{.seed = 3,
                         .rounds = 4,
                         .weigh_samples = false,
                         .min_updates = 5,
                         .lease_time = std::chrono::seconds{6}},
      0.5};

  const auto again = reloaded(fresh).common();

  EXPECT_EQ(again.seed, 3);
  EXPECT_EQ(again.rounds, 4);
  EXPECT_FALSE(again.weigh_samples);
  EXPECT_EQ(again.min_updates, 5);
  EXPECT_EQ(again.lease_time, std::chrono::seconds{6});
}

TEST(saved_fedavg_test, takes_few_bytes_however_many_clients_there_are) {
  trial<fedavg> t{fedavg{{}, 0.1}, 100'000};

  EXPECT_LT(save(t.rule).size(), 128);
}

TEST(saved_fedavg_test, forgets_what_was_in_the_rule_it_is_loaded_into) {
  trial<fedavg> used{fedavg{{}, 1.0}, 5};

  restore(used.rule, save(fedavg{{}, 1.0}));
  used.join(9);
  used.begin(1);

  EXPECT_THAT(clients_of(used.said.grants), ElementsAre(9));
}

TEST(saved_fedbuff_test, keeps_the_buffer_that_goes_with_its_accumulator) {
  trial<fedbuff> t{fedbuff{{}, 3, 3, 20}, 5};
  const auto first = t.said.grants[0];
  t.arrive(first);

  auto again = resumed(t.rule, 5);

  EXPECT_EQ(again.rule.buffered(), 1);
  for (int i = 0; i < 2; ++i)
    again.arrive(again.said.grants.at(0));
  ASSERT_TRUE(again.said.publish);
  EXPECT_EQ(again.said.publish->updates, 3);
}

TEST(saved_fedbuff_test, leases_nobody_twice_a_version) {
  trial<fedbuff> t{fedbuff{{}, 4, 2, 20}, 3};
  const auto first = t.said.grants[0];
  t.arrive(first);

  auto again = resumed(t.rule, 3);

  EXPECT_THAT(again.said.grants, SizeIs(2));
  for (const auto& g : again.said.grants)
    EXPECT_NE(g.client, first.client);
}

TEST(saved_fedbuff_test, leases_nobody_twice_a_version_who_joins_later) {
  trial<fedbuff> t{fedbuff{{}, 2, 2, 20}, 2};
  t.arrive(t.said.grants[0].client == 1 ? t.said.grants[0] : t.said.grants[1]);
  auto again = resumed(t.rule, 1);

  again.join(1);

  EXPECT_THAT(again.said.grants, IsEmpty());
  EXPECT_EQ(again.rule.outstanding(), 1);
}

TEST(saved_fedbuff_test, starts_an_empty_buffer_when_its_accumulator_is_lost) {
  trial<fedbuff> t{fedbuff{{}, 3, 3, 20}, 3};
  t.arrive(t.said.grants[0]);
  trial<fedbuff> again{reloaded(t.rule)};

  again.rule.discard();
  for (client_id i = 0; i < 3; ++i)
    again.join(i);
  again.begin(1);

  EXPECT_EQ(again.rule.buffered(), 0);
  EXPECT_THAT(clients_of(again.said.grants), ElementsAre(0, 1, 2));
}

TEST(saved_fedbuff_test, is_empty_when_saved_as_a_version_is_asked_for) {
  trial<fedbuff> t{fedbuff{{}, 1, 2, 20}, 3};
  t.arrive(t.said.grants[0]);

  auto again = resumed(t.rule, 3);

  EXPECT_EQ(again.rule.buffered(), 0);
  EXPECT_EQ(again.rule.version(), 1);
  EXPECT_EQ(again.said.grants.at(0).base, 1);
}

TEST(saved_fedbuff_test, publishes_what_waits_for_nobody) {
  trial<fedbuff> t{fedbuff{{}, 2, 4, 20}, 4};
  for (const auto& g : std::vector(t.said.grants))
    t.arrive(g); // two for a version, two while it is made

  auto again = resumed(t.rule, 4);

  ASSERT_TRUE(again.said.publish);
  EXPECT_EQ(again.said.publish->version, 2);
}

TEST(saved_fedbuff_test, takes_few_bytes_however_many_clients_there_are) {
  trial<fedbuff> t{fedbuff{{}, 10, 10'000, 20}, 100'000};

  EXPECT_LT(save(t.rule).size(), 256);
}

// Checkpoints of runs from before hold these bytes.
TEST(saved_state_test, has_the_bytes_that_it_always_had) {
  const settings common{.seed = 3,
      .rounds = 4,
      .weigh_samples = false,
      .min_updates = 5,
      .lease_time = std::chrono::seconds{6}};

  const auto head = "000000000000000300000000000000040000000000000000050000000"
                    "165a0bc00"s;

  EXPECT_EQ(hex(save(fedavg{common, 0.5})),
      head + "3fe0000000000000" + std::string(48, '0'));
  EXPECT_EQ(hex(save(fedbuff{common, 7, 8, 9})),
      head + "000000000000000700000000000000080000000000000009" +
          std::string(66, '0'));
}

TEST(saved_state_test, refuses_bytes_that_end_too_soon) {
  auto bytes = save(fedbuff{{}, 10, 20, 20});
  bytes.pop_back();
  fedbuff loaded;

  EXPECT_THROW(restore(loaded, bytes), std::runtime_error);
}

} // namespace troupe::federated
