#include "protocols/federated/fedavg.hpp"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/aggregation/accumulator.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using fedavg_trial = trial<fedavg>;

fedavg all_clients(settings common = {}) {
  return {common, 1.0};
}

} // namespace

TEST(fedavg_test, leases_a_fraction_of_the_clients) {
  fedavg_trial t{fedavg{{}, 0.1}, 100};

  EXPECT_THAT(t.said.grants, SizeIs(10));
  EXPECT_EQ(t.rule.outstanding(), 10);
  EXPECT_EQ(t.rule.round(), 1);
  EXPECT_EQ(t.rule.version(), 0);
}

TEST(fedavg_test, says_that_a_round_has_begun_and_with_how_many) {
  fedavg_trial t{fedavg{{}, 0.1}, 20};
  ASSERT_TRUE(t.said.round_started);
  EXPECT_EQ(t.said.round_started->round, 1);
  EXPECT_EQ(t.said.round_started->cohort, 2);

  t.requeue(t.said.grants[0]);

  EXPECT_FALSE(t.said.round_started);
}

TEST(fedavg_test, rounds_the_size_of_the_cohort_to_the_nearest) {
  EXPECT_THAT((fedavg_trial{fedavg{{}, 0.1}, 26}.said.grants), SizeIs(3));
  EXPECT_THAT((fedavg_trial{fedavg{{}, 0.1}, 24}.said.grants), SizeIs(2));
}

TEST(fedavg_test, leases_at_least_one_client) {
  EXPECT_THAT((fedavg_trial{fedavg{{}, 0.01}, 3}.said.grants), SizeIs(1));
}

TEST(fedavg_test, draws_the_same_cohort_whatever_the_order_of_joining) {
  fedavg_trial forward{fedavg{{}, 0.2}, 50};
  fedavg_trial backward{fedavg{{}, 0.2}};
  for (client_id i = 50; i-- > 0;)
    backward.join(i);
  backward.begin();

  EXPECT_EQ(clients_of(forward.said.grants), clients_of(backward.said.grants));
}

TEST(fedavg_test, draws_another_cohort_in_another_round_or_for_another_seed) {
  fedavg_trial t{fedavg{{}, 0.1}, 1000};
  const auto first = t.said.grants;
  for (const auto& g : first)
    t.arrive(g);
  t.published();
  fedavg_trial other{fedavg{{.seed = 2}, 0.1}, 1000};

  EXPECT_NE(clients_of(t.said.grants), clients_of(first));
  EXPECT_NE(clients_of(other.said.grants), clients_of(first));
}

TEST(fedavg_test, weighs_by_samples_over_the_cohort) {
  fedavg_trial t{all_clients()};
  for (client_id i = 0; i < 3; ++i)
    t.join(i, 10 * (i + 1));
  t.begin();

  for (const auto& g : std::vector(t.said.grants)) {
    const auto v = t.arrive(g);
    EXPECT_EQ(v.weight, gpu::on_weight_grid(10.0 * (g.client + 1) / 60.0));
    EXPECT_EQ(v.share, v.weight);
    EXPECT_EQ(v.staleness, 0);
  }
}

TEST(fedavg_test, weighs_uniformly_when_told_so) {
  fedavg_trial t{all_clients({.weigh_samples = false})};
  for (client_id i = 0; i < 3; ++i)
    t.join(i, 10 * (i + 1));
  t.begin();

  for (const auto& g : std::vector(t.said.grants))
    EXPECT_EQ(t.arrive(g).weight, gpu::on_weight_grid(1.0 / 3.0));
}

TEST(fedavg_test, takes_the_number_of_samples_from_the_last_joining) {
  fedavg_trial t{all_clients()};
  t.join(0, 5);
  t.join(1, 30);
  t.join(0, 10);
  t.begin();

  for (const auto& g : std::vector(t.said.grants))
    EXPECT_EQ(t.arrive(g).weight, g.client == 0 ? 0.25 : 0.75);
}

TEST(fedavg_test, never_leases_a_client_without_samples) {
  fedavg_trial t{all_clients()};
  t.join(0, 5);
  t.join(1, 0);
  t.begin();

  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(0));
}

TEST(fedavg_test, hands_out_the_time_that_a_lease_may_take) {
  fedavg_trial t{
      all_clients({.lease_time = std::chrono::seconds{3}}), client_id{1}};

  EXPECT_EQ(t.said.grants.at(0).allowed, std::chrono::seconds{3});
}

TEST(fedavg_test, publishes_when_the_last_lease_has_ended) {
  fedavg_trial t{all_clients(), 3};
  const auto leases = t.said.grants;

  t.arrive(leases[1]);
  EXPECT_FALSE(t.said.publish);
  t.arrive(leases[0]);
  EXPECT_FALSE(t.said.publish);
  t.arrive(leases[2]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->version, 1);
  EXPECT_EQ(t.said.publish->round, 1);
  EXPECT_EQ(t.said.publish->updates, 3);
  EXPECT_EQ(t.rule.version(), 1);
  EXPECT_EQ(t.rule.accepted(), 3);
  EXPECT_THAT(t.said.grants, IsEmpty());
}

TEST(fedavg_test, opens_the_next_round_once_the_version_is_out) {
  fedavg_trial t{all_clients(), 2};
  for (const auto& g : std::vector(t.said.grants))
    t.arrive(g);

  t.published();

  EXPECT_THAT(t.said.grants, SizeIs(2));
  EXPECT_EQ(t.said.grants[0].base, 1);
  EXPECT_EQ(t.rule.round(), 2);
}

TEST(fedavg_test, goes_on_without_a_client_that_failed) {
  fedavg_trial t{all_clients(), 3};
  const auto leases = t.said.grants;

  t.arrive(leases[0]);
  t.fail(leases[1]);
  t.arrive(leases[2]);

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 2);
}

TEST(fedavg_test, skips_a_round_with_fewer_than_min_updates) {
  fedavg_trial t{all_clients({.min_updates = 2}), 3};
  const auto leases = t.said.grants;

  t.arrive(leases[0]);
  t.fail(leases[1]);
  t.fail(leases[2]);

  EXPECT_FALSE(t.said.publish);
  ASSERT_THAT(t.said.skipped, SizeIs(1));
  EXPECT_EQ(t.said.skipped[0].round, 1);
  EXPECT_EQ(t.said.skipped[0].accepted, 1);
  EXPECT_EQ(t.said.skipped[0].needed, 2);
  EXPECT_EQ(t.rule.version(), 0);
  EXPECT_EQ(t.rule.round(), 2);
  EXPECT_EQ(t.rule.accepted(), 0);
  EXPECT_EQ(t.rule.buffered(), 0);
  EXPECT_THAT(t.said.grants, SizeIs(3));
}

TEST(fedavg_test, ends_when_every_lease_of_a_round_failed) {
  fedavg_trial t{all_clients(), 2};
  const auto leases = t.said.grants;

  t.fail(leases[0]);
  EXPECT_FALSE(t.said.end);
  t.fail(leases[1]);

  EXPECT_EQ(t.said.end, ending::all_failed);
  EXPECT_THAT(t.said.grants, IsEmpty());
}

TEST(fedavg_test, goes_on_when_the_cohort_left_and_others_are_there) {
  fedavg_trial t{fedavg{{}, 0.2}, 10};
  const auto leases = t.said.grants;

  t.leave(leases[0].client);
  t.fail(leases[1]);

  EXPECT_FALSE(t.said.end);
  EXPECT_THAT(t.said.skipped, SizeIs(1));
  EXPECT_THAT(t.said.grants, SizeIs(2));
}

TEST(fedavg_test, does_not_count_a_client_that_left_before_it_answered) {
  fedavg_trial t{all_clients(), 2};
  const auto leases = t.said.grants;

  t.leave(leases[0].client);
  EXPECT_THAT(t.said.revoked, ElementsAre(leases[0].lease));

  EXPECT_EQ(t.arrive(leases[0]).why, drop_reason::late);
  EXPECT_TRUE(t.arrive(leases[1]).accepted());
  EXPECT_EQ(t.said.publish->updates, 1);
}

TEST(fedavg_test, leases_a_client_that_joins_in_mid_round_from_the_next_on) {
  fedavg_trial t{all_clients(), 2};
  const auto leases = t.said.grants;

  t.join(7);
  EXPECT_THAT(t.said.grants, IsEmpty());
  t.arrive(leases[0]);
  t.arrive(leases[1]);
  t.published();

  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(0, 1, 7));
}

TEST(fedavg_test, requeues_under_a_new_lease_of_the_same_weight) {
  fedavg_trial t{all_clients()};
  t.join(0, 1);
  t.join(1, 3);
  t.begin();
  const auto leases = t.said.grants;

  t.requeue(leases[0]);

  ASSERT_THAT(t.said.grants, SizeIs(1));
  const auto again = t.said.grants[0];
  EXPECT_GT(again.lease, leases[1].lease);
  EXPECT_EQ(again.client, leases[0].client);
  EXPECT_EQ(again.base, leases[0].base);
  EXPECT_EQ(t.rule.outstanding(), 2);
  EXPECT_EQ(t.arrive(leases[0]).why, drop_reason::late);
  EXPECT_EQ(t.arrive(again).weight, again.client == 0 ? 0.25 : 0.75);
}

TEST(fedavg_test, drops_what_it_cannot_count_by_name) {
  fedavg_trial t{all_clients(), 4};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.fail(leases[1]);

  EXPECT_EQ(t.arrive(leases[0]).why, drop_reason::duplicate);
  EXPECT_EQ(t.arrive(leases[1]).why, drop_reason::late);
  EXPECT_EQ(t.arrive(arrival{99, 0, 0}).why, drop_reason::unknown);
  const arrival wrong_client{leases[2].lease, leases[3].client, 0};
  EXPECT_EQ(t.arrive(wrong_client).why, drop_reason::unknown);
  const arrival wrong_base{leases[2].lease, leases[2].client, 1};
  EXPECT_EQ(t.arrive(wrong_base).why, drop_reason::unknown);
  EXPECT_TRUE(t.arrive(leases[2]).accepted());
  EXPECT_EQ(t.rule.buffered(), 2);
}

TEST(fedavg_test, knows_a_duplicate_of_the_round_before) {
  fedavg_trial t{all_clients(), 1};
  const auto first = t.said.grants[0];
  t.arrive(first);

  EXPECT_EQ(t.arrive(first).why, drop_reason::duplicate);
  t.published();
  EXPECT_EQ(t.arrive(first).why, drop_reason::duplicate);
}

TEST(fedavg_test, calls_what_is_older_late) {
  fedavg_trial t{all_clients(), 1};
  const auto first = t.said.grants[0];
  t.arrive(first);
  t.published();
  t.arrive(t.said.grants[0]);
  t.published();

  EXPECT_EQ(t.arrive(first).why, drop_reason::late);
}

TEST(fedavg_test, ignores_the_end_of_a_lease_that_has_ended) {
  fedavg_trial t{all_clients(), 2};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  t.fail(leases[0]);
  t.requeue(leases[0]);
  t.fail({.lease = 12345});

  EXPECT_THAT(t.said.grants, IsEmpty());
  EXPECT_EQ(t.rule.buffered(), 1);
  EXPECT_EQ(t.rule.outstanding(), 1);
}

TEST(fedavg_test, uncounts_an_update_that_turns_out_to_be_unusable) {
  fedavg_trial t{all_clients(), 2};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  t.retract(leases[0]);
  t.retract(leases[0]);

  EXPECT_EQ(t.rule.buffered(), 0);
  EXPECT_EQ(t.arrive(leases[0]).why, drop_reason::late);
  t.fail(leases[1]);
  EXPECT_EQ(t.said.end, ending::all_failed);
}

TEST(fedavg_test, corrects_only_its_count_once_the_version_was_asked_for) {
  fedavg_trial t{all_clients(), 2};
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

TEST(fedavg_test, starves_when_nobody_is_left) {
  fedavg_trial t{all_clients(), 2};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  t.leave(leases[0].client);
  EXPECT_FALSE(t.said.end);
  t.leave(leases[1].client);
  EXPECT_TRUE(t.said.publish);
  t.published();

  EXPECT_EQ(t.said.end, ending::starved);
}

TEST(fedavg_test, starves_at_once_without_clients) {
  fedavg_trial t{all_clients(), client_id{0}};

  EXPECT_EQ(t.said.end, ending::starved);
}

TEST(fedavg_test, goes_on_with_who_joins_when_nobody_was_there) {
  fedavg_trial t{all_clients(), client_id{0}};

  t.join(3);

  EXPECT_FALSE(t.said.end);
  EXPECT_EQ(t.rule.round(), 1u);
  EXPECT_THAT(clients_of(t.said.grants), ElementsAre(3));
}

TEST(fedavg_test, completes_after_its_rounds_skipped_ones_included) {
  fedavg_trial t{all_clients({.rounds = 2, .min_updates = 2}), 2};
  const auto first = t.said.grants;
  t.arrive(first[0]);
  t.fail(first[1]);
  const auto second = t.said.grants;
  t.arrive(second[0]);
  t.arrive(second[1]);
  EXPECT_FALSE(t.said.end);

  t.published();

  EXPECT_EQ(t.said.end, ending::completed);
  EXPECT_EQ(t.rule.version(), 1);
  EXPECT_EQ(t.rule.round(), 2);
}

TEST(fedavg_test, completes_at_once_when_the_last_round_is_skipped) {
  fedavg_trial t{all_clients({.rounds = 1, .min_updates = 2}), 2};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.fail(leases[1]);

  EXPECT_EQ(t.said.end, ending::completed);
}

TEST(fedavg_test, extends_its_rounds_but_never_below_what_is_done) {
  fedavg_trial t{all_clients({.rounds = 2}), 1};
  t.arrive(t.said.grants[0]);
  t.published();

  t.rule.rounds(0);
  EXPECT_EQ(t.rule.common().rounds, 2);
  t.rule.rounds(9);
  EXPECT_EQ(t.rule.common().rounds, 9);
}

TEST(fedavg_test, starts_lease_ids_anew_in_every_incarnation) {
  fedavg_trial t{all_clients()};
  t.join(0);
  t.begin(3);

  EXPECT_EQ(t.said.grants.at(0).lease, first_lease(3));
  EXPECT_EQ(t.arrive(arrival{first_lease(2), 0, 0}).why, drop_reason::late);
}

TEST(fedavg_test, takes_no_harm_from_being_woken) {
  fedavg_trial t{all_clients(), 2};
  t.said.clear();

  t.rule.wake(instant{std::chrono::seconds{1}}, t.said);

  EXPECT_TRUE(t.said.grants.empty() && !t.said.publish && !t.said.end);
  EXPECT_EQ(t.rule.outstanding(), 2);
}

} // namespace troupe::federated
