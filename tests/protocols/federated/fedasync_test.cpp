// FedAsync beside a transcription of the paper, and beside FedBuff.
#include "protocols/federated/fedasync.hpp"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/aggregation/delta.hpp"
#include "gpu/device_stream.hpp"
#include "tests/protocols/federated/saved.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

using testing::SizeIs;
using shape = staleness_function::shape;

using model = std::vector<float>;

const settings plain{.seed = 3, .rounds = 1'000, .weigh_samples = false};

fedasync polynomial(double mixing, std::uint64_t concurrency) {
  return {plain, mixing, {.of = shape::polynomial}, concurrency, 20};
}

// What some training makes of a model; no two updates are alike.
float trained(float x, std::uint64_t update, std::size_t i) {
  return 0.5f * x + std::sin(static_cast<float>(7 * update + i));
}

/// A rule with the arithmetic that a shard does for it, one update at a time.
template <class Rule>
struct server : trial<Rule> {
  server(Rule r, client_id clients, double rate)
      : trial<Rule>(std::move(r), clients), server_lr(rate) {}

  verdict take(const grant& g) {
    const auto& base = versions.at(g.base);
    model next = base;
    for (std::size_t i = 0; i < next.size(); ++i)
      next[i] = trained(base[i], updates, i);
    ++updates;
    gpu::to_delta(next, base);
    const auto v = this->arrive(g);
    if (v.mix && g.base != versions.size() - 1)
      gpu::rebase(on, base, next, versions.back(), next);
    EXPECT_EQ(sums.add(next, v.weight, v.share), gpu::admission::added);
    publish();
    return v;
  }

  void publish() {
    const auto plan = this->said.publish;
    ASSERT_TRUE(plan);
    model next(versions.back().size());
    sums.publish(versions.back(), server_lr * plan->scale, next);
    sums.clear();
    versions.push_back(std::move(next));
    this->published();
  }

  double server_lr;
  std::vector<model> versions{{1.0f, -2.0f, 0.25f, 3.0f, 0.0f}};
  std::uint64_t updates = 0;
  gpu::accumulator sums{5};
  gpu::device_stream on;
};

// Algorithm 1, at the server, with s(t - tau) of section 5.2.
double polynomial_of_the_paper(double staleness, double a) {
  return std::pow(staleness + 1.0, -a);
}
double hinge_of_the_paper(double staleness, double a, double b) {
  return staleness <= b ? 1.0 : 1.0 / (a * (staleness - b) + 1.0);
}

} // namespace

TEST(staleness_function_test, is_as_the_paper_has_it) {
  for (std::uint64_t s = 0; s < 12; ++s) {
    const auto staleness = static_cast<double>(s);
    EXPECT_EQ(staleness_function{.of = shape::constant}(s), 1.0);
    EXPECT_DOUBLE_EQ((staleness_function{.exponent = 0.7}(s)),
        polynomial_of_the_paper(staleness, 0.7));
    EXPECT_DOUBLE_EQ(
        (staleness_function{.of = shape::hinge, .slope = 2.5, .grace = 3.0}(s)),
        hinge_of_the_paper(staleness, 2.5, 3.0));
  }
}

TEST(fedasync_test, is_the_paper_for_updates_of_any_staleness) {
  const staleness_function shapes[] = {{.of = shape::constant},
      {.of = shape::hinge, .slope = 10.0, .grace = 2.0},
      {.of = shape::polynomial, .exponent = 0.5}};
  for (const auto& trust : shapes) {
    server<fedasync> s{{plain, 0.6, trust, 6, 20}, 6, 1.0};
    std::vector<double> x(s.versions[0].begin(), s.versions[0].end());
    std::vector<std::vector<double>> history{x};
    const auto leases = s.said.grants;
    ASSERT_THAT(leases, SizeIs(6));

    for (std::uint64_t update = 0; update < leases.size(); ++update) {
      const auto staleness = s.take(leases[update]).staleness;

      EXPECT_EQ(staleness, update);
      const auto late = static_cast<double>(staleness);
      const auto alpha = 0.6 * (trust.of == shape::constant ? 1.0
                                   : trust.of == shape::hinge
                                       ? hinge_of_the_paper(late, 10.0, 2.0)
                                       : polynomial_of_the_paper(late, 0.5));
      const auto& base = history[leases[update].base];
      for (std::size_t i = 0; i < x.size(); ++i) {
        const auto x_new =
            0.5 * base[i] + std::sin(static_cast<float>(7 * update + i));
        x[i] = (1.0 - alpha) * x[i] + alpha * x_new;
        EXPECT_NEAR(s.versions.back()[i], x[i], 1e-6)
            << "staleness " << staleness << ", value " << i;
      }
      history.push_back(x);
    }
  }
}

TEST(fedasync_test, is_fedbuff_of_one_update_where_nobody_is_stale) {
  server<fedasync> mixes{polynomial(0.6, 1), 5, 1.0};
  server<fedbuff> adds{{plain, 1, 1, 20}, 5, 0.6};

  for (int i = 0; i < 30; ++i) {
    const auto v = mixes.take(grant{mixes.said.grants.at(0)});
    EXPECT_EQ(v.staleness, 0u);
    EXPECT_EQ(v.weight, 1.0);
    adds.take(grant{adds.said.grants.at(0)});
  }

  EXPECT_EQ(mixes.versions, adds.versions);
}

// FedBuff adds what a stale client learned; FedAsync also pulls the model back
// to where that client began.
TEST(fedasync_test, differs_from_fedbuff_by_what_the_model_moved_meanwhile) {
  server<fedasync> mixes{polynomial(0.6, 2), 2, 1.0};
  server<fedbuff> adds{{plain, 1, 2, 20}, 2, 0.6};
  const auto leases = mixes.said.grants;
  ASSERT_EQ(leases[0].client, adds.said.grants[0].client);

  mixes.take(leases[0]);
  adds.take(grant{adds.said.grants[0]});
  ASSERT_EQ(mixes.versions, adds.versions);
  const auto v = mixes.take(leases[1]);
  adds.take({leases[1].lease, leases[1].client, leases[1].base});

  EXPECT_EQ(v.staleness, 1u);
  const auto alpha = 0.6 / std::sqrt(2.0);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto moved = mixes.versions[0][i] - mixes.versions[1][i];
    EXPECT_NEAR(
        mixes.versions[2][i], adds.versions[2][i] + alpha * moved, 1e-6);
  }
}

TEST(fedasync_test, publishes_every_update_at_once) {
  trial<fedasync> t{polynomial(0.5, 3), 3};
  const auto leases = t.said.grants;

  const auto v = t.arrive(leases[0]);

  EXPECT_TRUE(v.mix);
  EXPECT_EQ(v.share, v.weight);
  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 1u);
  EXPECT_EQ(t.said.publish->scale, 0.5);
}

TEST(fedasync_test, trusts_updates_that_share_a_version_by_their_mean_rate) {
  trial<fedasync> t{polynomial(0.5, 3), 3};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);

  // While the version is made: both are one behind the one that comes next.
  t.arrive(leases[1]);
  t.arrive(leases[2]);
  EXPECT_FALSE(t.said.publish);
  t.published();

  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->updates, 2u);
  EXPECT_DOUBLE_EQ(t.said.publish->scale, 0.5 / std::sqrt(2.0));
}

TEST(fedasync_test, forgets_the_rate_of_an_update_that_is_retracted) {
  trial<fedasync> t{polynomial(0.5, 3), 3};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.arrive(leases[1]);
  t.arrive(leases[2]);

  t.retract(leases[2]);
  t.published();

  ASSERT_TRUE(t.said.publish);
  EXPECT_DOUBLE_EQ(t.said.publish->scale, 0.5 / std::sqrt(2.0));
}

TEST(fedasync_test, weighs_nobody_by_samples_and_needs_one_update_only) {
  fedasync rule{
      {.seed = 1, .weigh_samples = true, .min_updates = 5}, 0.5, {}, 2, 20};
  trial<fedasync> t{std::move(rule)};
  t.join(0, 10);
  t.join(1, 1'000);
  t.begin();

  EXPECT_EQ(t.said.grants.at(0).share, 1.0);
  EXPECT_EQ(t.said.grants.at(1).share, 1.0);
  t.arrive(grant{t.said.grants.at(0)});
  EXPECT_TRUE(t.said.publish);
}

TEST(fedasync_test, drops_what_is_too_stale) {
  trial<fedasync> t{fedasync{plain, 0.5, {}, 3, 1}, 3};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.published();
  t.arrive(leases[1]);
  t.published();

  EXPECT_EQ(t.arrive(leases[2]).why, drop_reason::too_stale);
}

TEST(saved_fedasync_test, keeps_the_rates_of_an_open_version) {
  trial<fedasync> t{polynomial(0.5, 3), 3};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.arrive(leases[1]); // into the version behind the one that is being made
  fedasync again;
  restore(again, save(t.rule));

  trial<fedasync> resumed{again, 3};

  ASSERT_TRUE(resumed.said.publish);
  EXPECT_EQ(resumed.said.publish->version, 2u);
  EXPECT_DOUBLE_EQ(resumed.said.publish->scale, 0.5 / std::sqrt(2.0));
}

TEST(saved_fedasync_test, begins_an_empty_version_where_the_sums_are_lost) {
  trial<fedasync> t{polynomial(0.5, 3), 3};
  const auto leases = t.said.grants;
  t.arrive(leases[0]);
  t.arrive(leases[1]);
  fedasync again;
  restore(again, save(t.rule));

  again.discard();
  trial<fedasync> resumed{again, 3};

  EXPECT_FALSE(resumed.said.publish);
  resumed.arrive(grant{resumed.said.grants.at(0)});
  ASSERT_TRUE(resumed.said.publish);
  EXPECT_EQ(resumed.said.publish->scale, 0.5);
}

} // namespace troupe::federated
