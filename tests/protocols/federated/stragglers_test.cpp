// Rounds of `fedavg` that do not wait for everybody.
#include <chrono>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/aggregation/accumulator.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/rule.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using fedavg_trial = trial<fedavg>;
using namespace std::chrono_literals;

fedavg within(duration limit, settings common = {}) {
  return {common, 1.0, 1.0, deadline{limit}};
}

float value_of(client_id client) {
  return 0.1f + 0.37f * static_cast<float>(client);
}

// What a version adds to a parameter, of these updates.
double mean_of(const std::vector<std::pair<client_id, verdict>>& counted) {
  gpu::accumulator sums{1};
  for (const auto& [client, v] : counted) {
    const auto value = value_of(client);
    EXPECT_EQ(sums.add({&value, 1}, v.weight, v.share), gpu::admission::added);
  }
  double mean = 0.0;
  sums.average({&mean, 1});
  return mean;
}

} // namespace

TEST(over_selection_test, leases_more_clients_than_it_wants) {
  fedavg_trial t{fedavg{{}, 0.1, 1.3}, 100};

  EXPECT_THAT(t.said.grants, SizeIs(13));
  ASSERT_TRUE(t.said.round_started);
  EXPECT_EQ(t.said.round_started->cohort, 13);
}

TEST(over_selection_test, publishes_the_first_and_revokes_the_rest) {
  fedavg_trial t{fedavg{{}, 0.5, 2.0}, 4};
  const auto leases = t.said.grants;
  ASSERT_THAT(leases, SizeIs(4));

  t.arrive(leases[2]);
  EXPECT_FALSE(t.said.publish);
  EXPECT_THAT(t.said.revoked, IsEmpty());
  EXPECT_TRUE(t.arrive(leases[0]).accepted());

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 2);
  EXPECT_THAT(t.said.revoked, ElementsAre(leases[1].lease, leases[3].lease));
  EXPECT_EQ(t.rule.outstanding(), 0);
  EXPECT_EQ(t.rule.accepted(), 2);
}

TEST(over_selection_test, calls_who_comes_after_the_close_late) {
  fedavg_trial t{fedavg{{}, 0.5, 2.0}, 4};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.arrive(leases[1]);

  EXPECT_EQ(t.arrive(leases[2]).why, drop_reason::late);
  EXPECT_EQ(t.rule.share(leases[3].lease), 0.0);
  t.published();
  EXPECT_EQ(t.arrive(leases[3]).why, drop_reason::late);
}

TEST(over_selection_test, leases_who_was_revoked_again) {
  fedavg_trial t{fedavg{{}, 0.5, 2.0}, 4};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.arrive(leases[1]);

  t.published();

  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(0, 1, 2, 3));
}

TEST(backup_test, leases_others_once_the_last_few_are_out) {
  fedavg_trial t{fedavg{{}, 0.5, 1.0, {}, {}, 2}, 10};
  const auto leases = t.said.grants;
  ASSERT_THAT(leases, SizeIs(5));
  t.arrive(leases[0]);
  t.arrive(leases[1]);
  EXPECT_THAT(t.said.grants, IsEmpty());
  t.arrive(leases[2]);

  const auto others = t.said.grants;
  ASSERT_THAT(others, SizeIs(2));
  for (const auto& x : others) {
    EXPECT_THAT(clients_of(leases), testing::Not(testing::Contains(x.client)));
    EXPECT_DOUBLE_EQ(x.share, 0.2);
  }
  t.arrive(others[1]);
  EXPECT_THAT(t.said.grants, IsEmpty());
  EXPECT_FALSE(t.said.publish);
  t.arrive(leases[4]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 5);
  EXPECT_THAT(t.said.revoked, ElementsAre(leases[3].lease, others[0].lease));
}

TEST(backup_test, leases_nobody_where_everybody_is_in_the_round) {
  fedavg_trial t{fedavg{{}, 1.0, 1.0, {}, {}, 2}, 3};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.arrive(leases[1]);
  EXPECT_THAT(t.said.grants, IsEmpty());
  t.arrive(leases[2]);
  EXPECT_TRUE(t.said.publish);
}

TEST(backup_test, lets_them_make_up_for_failures) {
  fedavg_trial t{fedavg{{}, 0.5, 1.0, {}, {}, 1}, 6};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.fail(leases[1]);
  EXPECT_THAT(t.said.grants, IsEmpty());
  t.arrive(leases[2]);
  const auto others = t.said.grants;
  ASSERT_THAT(others, SizeIs(1));
  EXPECT_FALSE(t.said.publish);
  t.arrive(others[0]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 3);
}

TEST(backup_test, ends_only_when_they_failed_too) {
  fedavg_trial t{fedavg{{}, 0.5, 1.0, {}, {}, 2}, 4};
  const auto leases = t.said.grants;
  t.fail(leases[0]);
  const auto others = t.said.grants;
  ASSERT_THAT(others, SizeIs(2));
  t.fail(leases[1]);
  t.fail(others[0]);
  EXPECT_FALSE(t.said.end);
  t.fail(others[1]);
  EXPECT_EQ(t.said.end, ending::all_failed);
}

TEST(over_selection_test, takes_a_failure_in_its_stride) {
  fedavg_trial t{fedavg{{}, 0.5, 2.0}, 4};
  const auto leases = t.said.grants;

  t.fail(leases[0]);
  t.fail(leases[1]);
  t.arrive(leases[2]);
  EXPECT_FALSE(t.said.publish);
  t.arrive(leases[3]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 2);
}

TEST(over_selection_test, publishes_fewer_where_no_more_can_come) {
  fedavg_trial t{fedavg{{}, 0.5, 2.0}, 4};
  const auto leases = t.said.grants;

  for (int i = 0; i < 3; ++i)
    t.fail(leases[i]);
  t.arrive(leases[3]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 1);
}

TEST(over_selection_test, ends_only_when_all_that_were_leased_failed) {
  fedavg_trial t{fedavg{{}, 0.5, 2.0}, 4};
  const auto leases = t.said.grants;

  for (int i = 0; i < 3; ++i) {
    t.fail(leases[i]);
    EXPECT_FALSE(t.said.end);
  }
  t.fail(leases[3]);

  EXPECT_EQ(t.said.end, ending::all_failed);
}

TEST(over_selection_test, wants_another_one_for_an_update_that_is_retracted) {
  fedavg_trial t{fedavg{{}, 0.5, 2.0}, 4};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  t.retract(leases[0]);
  t.arrive(leases[1]);
  EXPECT_FALSE(t.said.publish);
  t.arrive(leases[2]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_THAT(t.said.revoked, ElementsAre(leases[3].lease));
}

TEST(over_selection_test, waits_for_min_updates_where_that_is_more) {
  fedavg_trial t{fedavg{{.min_updates = 3}, 0.25, 4.0}, 4};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.arrive(leases[1]);
  EXPECT_FALSE(t.said.publish);

  t.arrive(leases[2]);

  EXPECT_TRUE(t.said.publish);
}

// n_k over the sum of those that counted, whoever else was drawn.
TEST(over_selection_test, weighs_by_samples_over_those_that_counted) {
  fedavg_trial t{fedavg{{}, 0.5, 2.0}};
  for (client_id i = 0; i < 6; ++i)
    t.join(i, 1 + i * i);
  t.begin();
  const auto leases = t.said.grants;
  ASSERT_THAT(leases, SizeIs(6));

  std::vector<std::pair<client_id, verdict>> counted;
  double sum = 0.0, samples = 0.0;
  for (auto i : {1, 5, 2}) {
    const auto client = leases[i].client;
    counted.emplace_back(client, t.arrive(leases[i]));
    const auto n = 1.0 + client * client;
    sum += n * static_cast<double>(value_of(client));
    samples += n;
  }

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->scale, 1.0);
  EXPECT_NEAR(mean_of(counted), sum / samples, 1e-11);
}

// The same events make the same decisions, bit by bit.
TEST(over_selection_test, is_fedavg_where_nobody_more_is_drawn) {
  for (const auto weigh_samples : {false, true}) {
    const settings common{.rounds = 20, .weigh_samples = weigh_samples};
    fedavg_trial plain{fedavg{common, 1.0}};
    fedavg_trial choosy{fedavg{common, 1.0, 1.5}};
    for (client_id i = 0; i < 7; ++i) {
      plain.join(i, 3 + i);
      choosy.join(i, 3 + i);
    }
    plain.begin();
    choosy.begin();
    while (!plain.said.end) {
      const auto leases = plain.said.grants;
      ASSERT_EQ(clients_of(choosy.said.grants), clients_of(leases));
      for (const auto& g : leases) {
        if (g.lease % 5 == 0) {
          plain.fail(g);
          choosy.fail(g);
          continue;
        }
        const auto one = plain.arrive(g);
        const auto other = choosy.arrive(g);
        EXPECT_EQ(one.weight, other.weight);
        EXPECT_EQ(one.share, other.share);
        ASSERT_TRUE(one.accepted() && other.accepted());
      }
      ASSERT_TRUE(plain.said.publish && choosy.said.publish);
      EXPECT_EQ(choosy.said.publish->updates, plain.said.publish->updates);
      plain.published();
      choosy.published();
    }
    EXPECT_EQ(choosy.said.end, ending::completed);
    EXPECT_EQ(choosy.rule.version(), plain.rule.version());
  }
}

TEST(round_deadline_test, is_what_it_asks_to_be_woken_for) {
  fedavg_trial t{within(10s)};
  t.now = instant{5s};
  t.join(0);
  t.begin();

  EXPECT_EQ(t.said.wake, instant{15s + 1ns});
  EXPECT_EQ(t.said.grants.at(0).allowed, duration{}); // as long as lease_time
}

TEST(round_deadline_test, is_preceded_by_what_clients_have_done) {
  trial<fedavg> t{fedavg{{}, 1.0, 1.0, deadline{10s, 0.0, 0.9}}};
  t.now = instant{100s};
  for (client_id i = 0; i < 2; ++i)
    t.join(i);
  t.begin();

  for (const auto& g : t.said.grants)
    EXPECT_EQ(g.send_by, instant{109s});

  const auto lost = t.said.grants.front();
  t.now = instant{105s};
  t.requeue(lost);
  ASSERT_EQ(t.said.grants.size(), 1u);
  EXPECT_EQ(t.said.grants.front().send_by, instant{109s});
}

TEST(round_deadline_test, asks_nobody_for_less_while_it_waits_for_all) {
  trial<fedavg> t{fedavg{{}, 1.0, 1.0, deadline{{}, 3.0, 0.9}}, 2};

  EXPECT_EQ(t.said.grants.front().send_by, instant{});
}

TEST(round_deadline_test, closes_the_round_with_those_who_came) {
  fedavg_trial t{within(10s), 3};
  const auto leases = t.said.grants;
  t.now = instant{9s};
  t.arrive(leases[1]);

  t.now = instant{11s};
  t.wake();

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 1);
  EXPECT_THAT(t.said.revoked, ElementsAre(leases[0].lease, leases[2].lease));
  EXPECT_FALSE(t.said.wake);
  EXPECT_EQ(t.arrive(leases[0]).why, drop_reason::late);
}

TEST(round_deadline_test, begins_anew_with_every_round) {
  fedavg_trial t{within(10s), 2};
  t.arrive(t.said.grants[0]);
  t.now = instant{11s};
  t.wake();
  t.now = instant{12s};

  t.published();

  EXPECT_EQ(t.said.wake, instant{22s + 1ns});
  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(0, 1));
}

TEST(round_deadline_test, is_kept_though_it_is_woken_early_or_for_nothing) {
  fedavg_trial t{within(10s), 2};
  t.arrive(t.said.grants[0]);
  t.now = instant{4s};

  t.wake();

  EXPECT_FALSE(t.said.publish);
  EXPECT_EQ(t.said.wake, instant{10s + 1ns});
  t.now = instant{11s};
  t.wake();
  ASSERT_TRUE(t.said.publish);
  t.wake();
  EXPECT_FALSE(t.said.publish || t.said.wake || t.said.end);
}

TEST(round_deadline_test, is_over_for_what_comes_later_though_nobody_woke_it) {
  fedavg_trial t{within(10s), 3};
  const auto leases = t.said.grants;
  t.now = instant{10s};
  EXPECT_TRUE(t.arrive(leases[0]).accepted());
  EXPECT_FALSE(t.said.publish);
  t.now += 1ns;

  EXPECT_EQ(t.arrive(leases[1]).why, drop_reason::late);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 1);
  EXPECT_THAT(t.said.revoked, ElementsAre(leases[2].lease));
}

TEST(round_deadline_test, waits_on_until_min_updates_have_come) {
  fedavg_trial t{within(10s, {.min_updates = 2}), 4};
  const auto leases = t.said.grants;
  t.now = instant{5s};
  t.arrive(leases[0]);
  t.now = instant{11s};
  t.wake();
  EXPECT_FALSE(t.said.publish);
  EXPECT_THAT(t.said.revoked, IsEmpty());

  t.now = instant{20s};
  EXPECT_TRUE(t.arrive(leases[3]).accepted());

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 2);
  EXPECT_THAT(t.said.revoked, ElementsAre(leases[1].lease, leases[2].lease));
}

TEST(round_deadline_test, skips_a_round_in_which_no_more_can_come) {
  fedavg_trial t{within(10s, {.min_updates = 2}), 2};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.now = instant{11s};
  t.wake();

  t.fail(leases[1]);

  EXPECT_THAT(t.said.skipped, SizeIs(1));
  EXPECT_EQ(t.said.wake, instant{21s + 1ns});
}

TEST(round_deadline_test, gives_a_lost_lease_no_new_one_once_it_is_over) {
  fedavg_trial t{within(10s), 2};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.now = instant{11s};

  t.requeue(leases[1]);

  EXPECT_THAT(t.said.grants, IsEmpty());
  EXPECT_TRUE(t.said.publish);
}

TEST(round_deadline_test, follows_the_times_that_clients_took) {
  fedavg_trial t{fedavg{{}, 1.0, 1.0, deadline{{}, 2.0}}, 3};
  EXPECT_FALSE(t.said.wake);
  const auto leases = t.said.grants;
  for (std::size_t i = 0; i < 3; ++i) {
    t.now += 1s;
    t.arrive(leases[i]); // 1, 2 and 3 s: 2 s, and twice 1 s
  }

  t.published();

  EXPECT_EQ(t.said.wake, instant{3s + 4s + 1ns});
}

TEST(round_deadline_test, counts_those_given_up_with_the_time_they_had) {
  fedavg_trial t{fedavg{{}, 1.0, 1.0, deadline{{}, 1.0}}, 3};
  auto leases = t.said.grants;
  for (const auto& g : leases) {
    t.now += 1s;
    t.arrive(g);
  }
  t.published(); // 2 s and once 1 s
  leases = t.said.grants;
  t.now = instant{4s};
  t.arrive(leases[0]);
  t.now = instant{7s};
  t.wake(); // 1, 4 and 4 s
  ASSERT_TRUE(t.said.publish);

  t.published();

  // Of 1, 2, 3, 1, 4 and 4 s: 2.5 s and once 1.5 s.
  EXPECT_EQ(t.said.wake, instant{7s + 4s + 1ns});
}

TEST(round_deadline_test, stays_what_it_was_told_when_a_state_is_loaded) {
  const fedavg told{{}, 0.5, 2.0, deadline{10s}};
  rule loaded{told};
  ASSERT_TRUE(loaded.load(rule{told}.save()));
  decisions said;
  for (client_id i = 0; i < 4; ++i)
    loaded.join(i, 1, {}, said);

  loaded.begin(1, {}, said);

  EXPECT_THAT(said.grants, SizeIs(4));
  EXPECT_EQ(said.wake, instant{10s + 1ns});
}

} // namespace troupe::federated
