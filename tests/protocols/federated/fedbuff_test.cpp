#include "protocols/federated/fedbuff.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/aggregation/accumulator.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using fedbuff_trial = trial<fedbuff>;

// buffer, concurrency, maximum staleness
fedbuff rule(std::uint64_t buffer, std::uint64_t concurrency,
    settings common = {}, std::uint64_t max_staleness = 20) {
  return {common, buffer, concurrency, max_staleness};
}

double uniform_weight(std::uint64_t buffer, std::uint64_t staleness) {
  const auto discount = 1.0 / std::sqrt(1.0 + static_cast<double>(staleness));
  return gpu::on_weight_grid(
      gpu::on_weight_grid(1.0 / static_cast<double>(buffer)) * discount);
}

} // namespace

TEST(fedbuff_test, keeps_concurrency_leases_out) {
  fedbuff_trial t{rule(10, 4), 20};
  EXPECT_THAT(t.said.grants, SizeIs(4));

  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  EXPECT_THAT(t.said.grants, SizeIs(1));
  t.fail(leases[1]);
  EXPECT_THAT(t.said.grants, SizeIs(1));
  t.leave(leases[2].client);
  EXPECT_THAT(t.said.revoked, ElementsAre(leases[2].lease));
  EXPECT_THAT(t.said.grants, SizeIs(1));

  EXPECT_EQ(t.rule.outstanding(), 4);
}

TEST(fedbuff_test, leases_a_client_once_a_version) {
  fedbuff_trial t{rule(10, 2), 3};
  const auto leases = t.said.grants;

  t.arrive(leases[0]);
  const auto third = t.said.grants.at(0);
  t.arrive(leases[1]);

  EXPECT_NE(third.client, leases[0].client);
  EXPECT_NE(third.client, leases[1].client);
  EXPECT_THAT(t.said.grants, IsEmpty());
}

TEST(fedbuff_test, publishes_after_every_buffer_updates) {
  fedbuff_trial t{rule(2, 4), 10};
  const auto leases = t.said.grants;

  t.arrive(leases[0]);
  EXPECT_FALSE(t.said.publish);
  t.arrive(leases[1]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->version, 1);
  EXPECT_EQ(t.said.publish->updates, 2);
  EXPECT_EQ(t.rule.version(), 1);
  EXPECT_EQ(t.rule.accepted(), 2);
}

TEST(fedbuff_test, makes_no_lease_before_its_version_is_out) {
  fedbuff_trial t{rule(1, 2), 10};
  const auto leases = t.said.grants;

  t.arrive(leases[0]);
  EXPECT_THAT(t.said.grants, IsEmpty());
  t.join(10);
  EXPECT_THAT(t.said.grants, IsEmpty());
  t.published();

  ASSERT_THAT(t.said.grants, SizeIs(1));
  EXPECT_EQ(t.said.grants[0].base, 1);
}

TEST(fedbuff_test, leaves_a_fresh_update_its_whole_weight) {
  fedbuff_trial t{rule(2, 4), 10};
  const auto leases = t.said.grants;

  for (int i = 0; i < 2; ++i) { // the second one moves the version
    const auto v = t.arrive(leases[i]);
    EXPECT_EQ(v.staleness, 0);
    EXPECT_EQ(v.weight, v.share);
    EXPECT_EQ(v.share, gpu::on_weight_grid(0.5));
  }
}

TEST(fedbuff_test, discounts_by_the_root_of_staleness) {
  fedbuff_trial t{rule(1, 5), 5};
  const auto leases = t.said.grants;

  for (std::uint64_t s = 0; s < 5; ++s) {
    const auto v = t.arrive(leases[s]);
    EXPECT_EQ(v.staleness, s);
    EXPECT_EQ(v.weight, uniform_weight(1, s));
    EXPECT_EQ(v.share, 1.0);
    t.published();
  }
}

TEST(fedbuff_test, calls_an_update_stale_while_the_new_version_is_made) {
  fedbuff_trial t{rule(1, 2), 5};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  const auto v = t.arrive(leases[1]);

  EXPECT_EQ(v.staleness, 1);
  EXPECT_EQ(t.rule.buffered(), 1);
  EXPECT_FALSE(t.said.publish);
}

TEST(fedbuff_test, publishes_a_buffer_that_filled_in_the_meantime_next) {
  fedbuff_trial t{rule(1, 4), 5};
  const auto leases = t.said.grants;
  for (const auto& g : leases)
    t.arrive(g);

  t.published();

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->version, 2);
  EXPECT_EQ(t.said.publish->updates, 3);
  EXPECT_THAT(t.said.grants, IsEmpty());
}

TEST(fedbuff_test, weighs_by_samples_over_the_mean_of_those_there) {
  fedbuff_trial t{rule(2, 3)};
  t.join(0, 10);
  t.join(1, 20);
  t.join(2, 60);
  t.begin();

  for (const auto& g : std::vector(t.said.grants)) {
    const double samples[] = {10, 20, 60};
    EXPECT_EQ(
        t.arrive(g).share, gpu::on_weight_grid(samples[g.client] / 30.0 / 2.0));
  }
}

TEST(fedbuff_test, weighs_over_those_that_are_there_when_it_leases) {
  fedbuff_trial t{rule(1, 3)};
  t.join(0, 10);
  t.join(1, 20);
  t.join(2, 60);
  t.join(1, 30); // corrected
  t.leave(2);
  t.begin();

  for (const auto& g : std::vector(t.said.grants))
    EXPECT_EQ(t.arrive(g).share, g.client == 0 ? 0.5 : 1.5);
}

TEST(fedbuff_test, weighs_uniformly_when_told_so) {
  fedbuff_trial t{rule(3, 3, {.weigh_samples = false})};
  t.join(0, 10);
  t.join(1, 20);
  t.begin();

  for (const auto& g : std::vector(t.said.grants))
    EXPECT_EQ(t.arrive(g).share, gpu::on_weight_grid(1.0 / 3.0));
}

TEST(fedbuff_test, drops_an_update_that_is_too_stale) {
  fedbuff_trial t{rule(1, 2, {}, 1), 3};
  const auto slow = t.said.grants[0];
  t.arrive(t.said.grants[1]);
  EXPECT_THAT(t.said.revoked, IsEmpty());
  t.published();

  t.arrive(t.said.grants.at(0));

  EXPECT_THAT(t.said.revoked, ElementsAre(slow.lease));
  const auto v = t.arrive(slow);
  EXPECT_EQ(v.why, drop_reason::too_stale);
  EXPECT_EQ(v.staleness, 2);
}

TEST(fedbuff_test, leases_the_newest_version_to_a_client_that_was_too_slow) {
  fedbuff_trial t{rule(1, 2, {}, 0), 2};
  const auto slow = t.said.grants[0];
  t.arrive(t.said.grants[1]);

  t.published();

  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(0, 1));
  EXPECT_EQ(t.said.grants[0].base, 1);
  EXPECT_EQ(t.said.grants[1].base, 1);
  EXPECT_EQ(t.arrive(slow).why, drop_reason::too_stale);
}

TEST(fedbuff_test, names_a_forgotten_lease_by_its_base) {
  fedbuff_trial t{rule(1, 2, {}, 3), 2};
  const auto first = t.said.grants[0];
  t.fail(t.said.grants[1]);
  t.arrive(first);
  for (int i = 0; i < 5; ++i) {
    t.published();
    for (const auto& g : std::vector(t.said.grants))
      t.arrive(g);
  }

  EXPECT_EQ(t.arrive(first).why, drop_reason::too_stale);
}

TEST(fedbuff_test, publishes_what_is_there_when_nobody_else_can_fill_it) {
  fedbuff_trial t{rule(10, 20), 3};
  const auto leases = t.said.grants;

  t.arrive(leases[0]);
  t.arrive(leases[1]);
  EXPECT_FALSE(t.said.publish);
  t.fail(leases[2]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 2);
  t.published();
  EXPECT_THAT(t.said.grants, SizeIs(3));
}

TEST(fedbuff_test, publishes_when_those_it_waits_for_leave) {
  fedbuff_trial t{rule(3, 3), 3};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  t.leave(leases[1].client);
  EXPECT_FALSE(t.said.publish);
  t.leave(leases[2].client);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 1);
}

TEST(fedbuff_test, skips_a_round_that_cannot_reach_min_updates) {
  fedbuff_trial t{rule(3, 3, {.min_updates = 2}), 3};
  const auto leases = t.said.grants;

  t.arrive(leases[0]);
  t.fail(leases[1]);
  t.fail(leases[2]);

  EXPECT_FALSE(t.said.publish);
  ASSERT_THAT(t.said.skipped, SizeIs(1));
  EXPECT_EQ(t.said.skipped[0].accepted, 1);
  EXPECT_EQ(t.said.skipped[0].needed, 2);
  EXPECT_THAT(t.said.grants, SizeIs(3));
  EXPECT_EQ(t.rule.version(), 0);
  EXPECT_EQ(t.rule.buffered(), 0);
  EXPECT_EQ(t.rule.round(), 2);
}

TEST(fedbuff_test, completes_when_only_skipped_rounds_are_left) {
  fedbuff_trial t{rule(2, 2, {.rounds = 3, .min_updates = 2}), 2};

  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(t.said.end);
    const auto leases = t.said.grants;
    t.arrive(leases[0]);
    t.fail(leases[1]);
  }

  EXPECT_EQ(t.said.end, ending::completed);
  EXPECT_EQ(t.rule.version(), 0);
}

TEST(fedbuff_test, ends_when_every_client_that_is_there_failed) {
  fedbuff_trial t{rule(2, 2), 3};
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(t.said.end);
    t.fail(t.said.grants[0]);
  }
  EXPECT_FALSE(t.said.end);

  t.fail({.lease = 1});

  EXPECT_EQ(t.said.end, ending::all_failed);
}

TEST(fedbuff_test, tries_again_with_a_client_that_came_back) {
  fedbuff_trial t{rule(2, 2), 2};
  const auto leases = t.said.grants;
  t.leave(leases[0].client);
  t.join(leases[0].client);
  EXPECT_THAT(t.said.grants, IsEmpty()); // it had its lease of this version

  t.fail(leases[1]);

  EXPECT_FALSE(t.said.end);
  EXPECT_THAT(t.said.skipped, SizeIs(1));
  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(0, 1));
}

TEST(fedbuff_test, does_not_count_a_client_that_left_before_it_answered) {
  fedbuff_trial t{rule(2, 2), 3};
  const auto leases = t.said.grants;

  t.leave(leases[0].client);

  EXPECT_EQ(t.arrive(leases[0]).why, drop_reason::late);
  t.join(leases[0].client);
  EXPECT_EQ(t.arrive(leases[0]).why, drop_reason::late);
}

TEST(fedbuff_test, leases_a_client_that_joins_at_once) {
  fedbuff_trial t{rule(4, 3), 2};

  t.join(2);

  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(2));
}

TEST(fedbuff_test, starves_when_nobody_is_left) {
  fedbuff_trial t{rule(4, 3), 2};

  t.leave(0);
  t.leave(1);

  EXPECT_EQ(t.said.end, ending::starved);
}

TEST(fedbuff_test, goes_on_with_who_joins_when_nobody_was_there) {
  fedbuff_trial t{rule(4, 3), 1};
  t.leave(0);

  t.join(5);

  EXPECT_FALSE(t.said.end);
  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(5));
}

TEST(fedbuff_test, requeues_under_a_new_lease_of_the_version_that_is_out) {
  fedbuff_trial t{rule(1, 2), 2};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.published();

  t.requeue(leases[1]);

  ASSERT_THAT(t.said.grants, SizeIs(1));
  EXPECT_EQ(t.said.grants[0].client, leases[1].client);
  EXPECT_EQ(t.said.grants[0].base, 1);
  EXPECT_EQ(t.arrive(leases[1]).why, drop_reason::late);
}

TEST(fedbuff_test, requeues_within_the_same_version) {
  fedbuff_trial t{rule(2, 2), 2};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  t.requeue(leases[1]);

  ASSERT_THAT(t.said.grants, SizeIs(1));
  EXPECT_TRUE(t.arrive(t.said.grants[0]).accepted());
  EXPECT_TRUE(t.said.publish);
}

TEST(fedbuff_test, requeues_once_the_version_that_is_being_made_is_out) {
  fedbuff_trial t{rule(1, 2), 2};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  t.requeue(leases[1]);
  EXPECT_THAT(t.said.grants, IsEmpty());
  t.published();

  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(0, 1));
}

TEST(fedbuff_test, drops_what_it_cannot_count_by_name) {
  fedbuff_trial t{rule(8, 4), 4};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.fail(leases[1]);

  EXPECT_EQ(t.arrive(leases[0]).why, drop_reason::duplicate);
  EXPECT_EQ(t.arrive(leases[1]).why, drop_reason::late);
  EXPECT_EQ(t.arrive(arrival{99, 0, 0}).why, drop_reason::unknown);
  const arrival wrong_client{leases[2].lease, leases[3].client, 0};
  EXPECT_EQ(t.arrive(wrong_client).why, drop_reason::unknown);
  EXPECT_EQ(t.rule.buffered(), 1);
}

TEST(fedbuff_test, knows_the_duplicate_of_an_update_that_moved_the_version) {
  fedbuff_trial t{rule(1, 1), 2};
  const auto first = t.said.grants[0];
  t.arrive(first);

  EXPECT_EQ(t.arrive(first).why, drop_reason::duplicate);
}

TEST(fedbuff_test, uncounts_an_update_that_turns_out_to_be_unusable) {
  fedbuff_trial t{rule(3, 3), 3};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  t.retract(leases[0]);
  t.retract(leases[0]);
  EXPECT_EQ(t.rule.buffered(), 0);
  t.fail(leases[1]);
  t.fail(leases[2]);

  EXPECT_EQ(t.said.end, ending::all_failed);
}

TEST(fedbuff_test, corrects_only_its_count_once_the_version_was_asked_for) {
  fedbuff_trial t{rule(2, 2), 4};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.arrive(leases[1]);

  t.retract(leases[0]);
  EXPECT_EQ(t.rule.accepted(), 1);
  t.published();
  t.retract(leases[1]);

  EXPECT_EQ(t.rule.accepted(), 0);
  EXPECT_EQ(t.rule.version(), 1);
  EXPECT_EQ(t.rule.outstanding(), 2);
}

TEST(fedbuff_test, revokes_what_is_out_when_it_asks_for_the_last_version) {
  fedbuff_trial t{rule(1, 3, {.rounds = 1}), 3};
  const auto leases = t.said.grants;

  t.arrive(leases[1]);

  EXPECT_THAT(t.said.revoked, ElementsAre(leases[0].lease, leases[2].lease));
  EXPECT_EQ(t.rule.outstanding(), 0);
  EXPECT_EQ(t.arrive(leases[0]).why, drop_reason::late);
  t.published();
  EXPECT_EQ(t.said.end, ending::completed);
}

TEST(fedbuff_test, draws_every_client_as_often) {
  constexpr int versions = 4000;
  std::vector<int> times(10);
  fedbuff_trial t{rule(1, 1, {.rounds = versions}), 10};

  for (int i = 0; i < versions; ++i) {
    const auto g = t.said.grants.at(0);
    ++times[g.client];
    t.arrive(g);
    t.published();
  }

  for (auto n : times)
    EXPECT_NEAR(n, versions / 10.0, 95); // 5 standard deviations
}

TEST(fedbuff_test, draws_other_clients_after_a_restart_or_for_another_seed) {
  fedbuff_trial t{rule(9, 9), 1000};
  fedbuff_trial other{rule(9, 9, {.seed = 2}), 1000};
  fedbuff_trial again{rule(9, 9)};
  for (client_id i = 0; i < 1000; ++i)
    again.join(i);
  again.begin(1);

  EXPECT_NE(clients_of(t.said.grants), clients_of(other.said.grants));
  EXPECT_NE(clients_of(t.said.grants), clients_of(again.said.grants));
}

TEST(fedbuff_test, never_leases_a_client_without_samples) {
  fedbuff_trial t{rule(2, 2)};
  t.join(0, 5);
  t.join(1, 0);
  t.begin();

  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(0));
}

TEST(fedbuff_test, takes_no_harm_from_being_woken) {
  fedbuff_trial t{rule(2, 2), 2};
  t.said.clear();

  t.rule.wake(instant{std::chrono::seconds{1}}, t.said);

  EXPECT_TRUE(t.said.grants.empty() && !t.said.publish && !t.said.end);
}

} // namespace troupe::federated
