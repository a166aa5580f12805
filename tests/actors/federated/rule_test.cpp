// What the aggregator tells its rule, and what of a rule's wishes it carries
// out, by a clock that the test moves.

#include "protocols/federated/rule.hpp"

#include <memory>
#include <vector>

#include <gmock/gmock.h>

#include "tests/actors/rehearsed_run.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;

/// Rounds that end three seconds after they began, for everybody; what counts
/// in them is mixed at a quarter.
struct punctual : federated::fedavg {
  struct memory {
    std::vector<federated::arrival> came;
    std::size_t woken = 0;
  };

  punctual() = default;
  explicit punctual(std::uint64_t rounds)
      : fedavg({.rounds = rounds}, 1.0),
        remembers(std::make_shared<memory>()) {}

  void begin(
      std::uint64_t incarnation, instant now, federated::decisions& out) {
    fedavg::begin(incarnation, now, out);
    out.wake = now + 3s;
  }
  federated::verdict arrive(const federated::arrival& update, instant now,
      federated::decisions& out) {
    remembers->came.push_back(update);
    auto v = fedavg::arrive(update, now, out);
    v.mix = true;
    if (out.publish)
      out.publish->scale = 0.25;
    return v;
  }
  void wake(instant now, federated::decisions& out) {
    ++remembers->woken;
    for (lease_id lease = 0; lease < 2; ++lease)
      if (share(lease) > 0.0) {
        out.revoked.push_back(lease);
        fail(lease, now, out);
      }
  }

  std::shared_ptr<memory> remembers;
};

struct rule_test : rehearsed_run {
  punctual rule{2};

  void begin_two() {
    auto options = one_round(2);
    options.rule = rule;
    begin_run(std::move(options));
  }
};

TEST_F(rule_test, is_woken_at_the_time_that_it_asked_for) {
  begin_two();
  train(0);

  pass(2900ms);
  EXPECT_EQ(rule.remembers->woken, 0u);
  pass(200ms);

  EXPECT_EQ(rule.remembers->woken, 1u);
  EXPECT_TRUE(is_stopped(1));
  const auto given_up = told<facts::revoked>();
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_EQ(given_up[0].client, 1u);
  ASSERT_EQ(sums.heard<publish>().size(), 1u);
  pass(10s);
  EXPECT_EQ(rule.remembers->woken, 1u);
}

TEST_F(rule_test, is_not_woken_while_a_version_is_made) {
  begin_two();
  train_both();
  ASSERT_EQ(sums.heard<publish>().size(), 1u);

  pass(5s);
  EXPECT_EQ(rule.remembers->woken, 0u);
  make_version();
  pass(100ms);

  EXPECT_EQ(rule.remembers->woken, 1u);
}

TEST_F(rule_test, hears_what_training_came_to) {
  begin_two();

  stage.tell(
      aggregator, update{1, {offer_to(1).lease, 0, {10, 2, 0.5, 0.75}, 0.125,
                                0.1, std::make_shared<const gpu::buffer>(1)}});

  ASSERT_EQ(rule.remembers->came.size(), 1u);
  const auto& came = rule.remembers->came[0];
  EXPECT_EQ(came.client, 1u);
  EXPECT_EQ(came.samples, 10u);
  EXPECT_EQ(came.steps, 2u);
  EXPECT_EQ(came.loss, 0.5);
  EXPECT_EQ(came.square_loss, 0.75);
  EXPECT_EQ(seconds(came.took), 0.125);
  EXPECT_FALSE(came.partial);
}

TEST_F(rule_test, has_models_mixed_and_versions_scaled) {
  begin_two();
  const auto base = offer_to(0).parameters;
  train_both();
  make_version();
  pass(1s);

  ASSERT_EQ(sums.heard<add>().size(), 2u);
  EXPECT_EQ(sums.heard<add>()[0].base, base);
  ASSERT_EQ(sums.heard<publish>().size(), 1u);
  EXPECT_EQ(sums.heard<publish>()[0].scale, 0.25);
  ASSERT_EQ(told<facts::accepted>().size(), 2u);
  EXPECT_TRUE(told<facts::accepted>()[0].mixed);
  ASSERT_EQ(told<facts::published>().size(), 1u);
  EXPECT_EQ(told<facts::published>()[0].scale, 0.25);
}

TEST_F(rule_test, has_no_base_kept_where_deltas_are_added) {
  begin_run(one_round(2));

  train_both();

  ASSERT_EQ(sums.heard<add>().size(), 2u);
  EXPECT_EQ(sums.heard<add>()[0].base, nullptr);
}

} // namespace
} // namespace troupe::tests
