// `fedavg` that normalises, against a transcription of Wang et al. 2020.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/random.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/local_steps.hpp"
#include "protocols/federated/rule.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {
namespace {

constexpr std::size_t size = 5;
constexpr client_id clients = 7;
using point = std::array<double, size>;

// A client's loss is |x - centre|^2 / 2, each value at its own scale.
struct problem {
  std::array<point, clients> centres{};
  std::array<std::uint64_t, clients> samples{};
  std::array<std::uint64_t, clients> steps{};

  explicit problem(bool equal_steps) {
    gpu::random_stream random{11, gpu::stream::user};
    for (client_id k = 0; k < clients; ++k) {
      for (auto& x : centres[k])
        x = 0.01 * random.below(200) - 1.0;
      samples[k] = 1 + random.below(50);
      steps[k] = equal_steps ? 9 : 1 + random.below(40);
    }
  }

  // So many steps of descent with momentum; as float, as clients send it.
  point delta(client_id k, const point& from, double momentum) const {
    constexpr auto lr = 0.005;
    auto x = from;
    point velocity{};
    for (std::uint64_t step = 0; step < steps[k]; ++step)
      for (std::size_t i = 0; i < size; ++i) {
        velocity[i] = momentum * velocity[i] + (x[i] - centres[k][i]);
        x[i] -= lr * velocity[i];
      }
    for (std::size_t i = 0; i < size; ++i)
      x[i] = static_cast<float>(x[i] - from[i]);
    return x;
  }
};

// |a|_1 as it is defined: how often each gradient counts.
double gradients_in(std::uint64_t steps, double momentum) {
  double velocity = 0.0, sum = 0.0;
  for (std::uint64_t step = 0; step < steps; ++step)
    sum += velocity = momentum * velocity + 1.0;
  return sum;
}

// A round as section 4 of the paper has it, with the server's rate 1.
point nova_step(const problem& of, const std::vector<client_id>& cohort,
    const point& x, double momentum, bool by_samples) {
  double all = 0.0;
  for (auto k : cohort)
    all += by_samples ? static_cast<double>(of.samples[k]) : 1.0;
  point normalised{};
  double effective = 0.0;
  for (auto k : cohort) {
    const auto p =
        (by_samples ? static_cast<double>(of.samples[k]) : 1.0) / all;
    const auto a = gradients_in(of.steps[k], momentum);
    const auto delta = of.delta(k, x, momentum);
    effective += p * a;
    for (std::size_t i = 0; i < size; ++i)
      normalised[i] += p * delta[i] / a;
  }
  auto next = x;
  for (std::size_t i = 0; i < size; ++i)
    next[i] += effective * normalised[i];
  return next;
}

// What the rule and an accumulator make of the same updates.
point own_step(trial<fedavg>& t, const problem& of, const point& x,
    double momentum, std::uint64_t order) {
  gpu::accumulator sums{size};
  auto leases = t.said.grants;
  gpu::random_stream shuffle{order};
  while (!leases.empty()) {
    const auto at = shuffle.below(static_cast<std::uint32_t>(leases.size()));
    const auto g = leases[at];
    leases[at] = leases.back();
    leases.pop_back();
    const auto delta = of.delta(g.client, x, momentum);
    std::array<float, size> sent;
    std::ranges::transform(
        delta, sent.begin(), [](double v) { return static_cast<float>(v); });
    const auto v = t.arrive(arrival{.lease = g.lease,
        .client = g.client,
        .base = g.base,
        .steps = of.steps[g.client]});
    EXPECT_LE(v.weight, v.share);
    EXPECT_EQ(sums.add(sent, v.weight, v.share), gpu::admission::added);
  }
  point mean{};
  sums.average(mean);
  auto next = x;
  for (std::size_t i = 0; i < size; ++i)
    next[i] += t.said.publish->scale * mean[i];
  return next;
}

trial<fedavg> begun(
    const problem& of, double momentum, bool by_samples, bool normalise) {
  const settings common{.rounds = 20,
      .weigh_samples = by_samples,
      .work = {.momentum = static_cast<float>(momentum),
          .method = normalise ? "fednova" : "sgd"}};
  trial<fedavg> t{fedavg{common, 0.4}}; // 3 of 7
  for (client_id k = 0; k < clients; ++k)
    t.join(k, of.samples[k]);
  t.begin();
  return t;
}

double distance(const point& a, const point& b) {
  double most = 0.0;
  for (std::size_t i = 0; i < size; ++i)
    most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

} // namespace

TEST(amount_of_test, is_the_steps_without_momentum) {
  EXPECT_EQ(training::amount_of(0, 0.0), 0.0);
  EXPECT_EQ(training::amount_of(1, 0.0), 1.0);
  EXPECT_EQ(training::amount_of(1'000'000, 0.0), 1e6);
}

TEST(amount_of_test, is_how_often_gradients_count_with_momentum) {
  for (auto momentum : {0.1, 0.5, 0.9, 0.99})
    for (std::uint64_t steps : {1u, 2u, 3u, 10u, 1000u}) {
      const auto expected = gradients_in(steps, momentum);
      EXPECT_NEAR(
          training::amount_of(steps, momentum), expected, 1e-10 * expected)
          << steps << " steps at " << momentum;
    }
  EXPECT_EQ(training::amount_of(0, 0.9), 0.0);
}

TEST(mean_amount_test, is_the_same_for_whoever_came_first) {
  mean_amount forward, backward;
  for (client_id i = 0; i < 9; ++i) {
    forward.add(i, 0.1 * (i + 1), 1.0 / (i + 3));
    backward.add(8 - i, 0.1 * (9 - i), 1.0 / (11 - i));
  }

  EXPECT_EQ(forward.value(), backward.value());
}

TEST(fednova_test, is_its_transcription) {
  const problem p{false};
  for (const auto momentum : {0.0, 0.9})
    for (const auto by_samples : {true, false}) {
      auto t = begun(p, momentum, by_samples, true);
      point own{}, expected{};
      std::uint64_t rounds = 0;
      for (; !t.said.end; ++rounds) {
        const auto cohort = clients_of(t.said.grants);
        ASSERT_EQ(cohort.size(), 3u);
        expected = nova_step(p, cohort, expected, momentum, by_samples);
        own = own_step(t, p, own, momentum, rounds);
        ASSERT_LT(distance(own, expected), 1e-6) << "round " << rounds;
        t.published();
      }
      EXPECT_EQ(rounds, 20u);
      EXPECT_GT(distance(own, {}), 0.1); // they went somewhere
    }
}

TEST(fednova_test, is_fedavg_where_steps_are_equal) {
  const problem p{true};
  for (const auto momentum : {0.0, 0.9}) {
    auto nova = begun(p, momentum, true, true);
    auto average = begun(p, momentum, true, false);
    point one{}, other{};
    for (std::uint64_t round = 0; !nova.said.end; ++round) {
      one = own_step(nova, p, one, momentum, round);
      other = own_step(average, p, other, momentum, round);
      ASSERT_LT(distance(one, other), 1e-6) << "round " << round;
      nova.published();
      average.published();
    }
  }
}

TEST(fednova_test, is_not_fedavg_where_they_are_not) {
  const problem p{false};
  auto nova = begun(p, 0.0, true, true);
  auto average = begun(p, 0.0, true, false);

  EXPECT_GT(
      distance(own_step(nova, p, {}, 0.0, 1), own_step(average, p, {}, 0.0, 1)),
      1e-3);
}

TEST(fednova_test, does_not_count_the_steps_of_what_is_retracted) {
  trial<fedavg> t{fedavg{{.work = {.method = "fednova"}}, 1.0}, 2};
  const auto leases = t.said.grants;
  t.arrive(arrival{
      .lease = leases[0].lease, .client = leases[0].client, .steps = 1000});
  t.retract(leases[0]);

  const auto v = t.arrive(arrival{
      .lease = leases[1].lease, .client = leases[1].client, .steps = 4});

  EXPECT_EQ(v.weight, v.share / 4);
  ASSERT_TRUE(t.said.publish);
  EXPECT_EQ(t.said.publish->scale, 4.0);
}

TEST(fednova_test, stays_what_it_was_told_when_a_state_is_loaded) {
  const rule saved{fedavg{{}, 1.0}};
  rule loaded{fedavg{{.work = {.momentum = 0.5f, .method = "fednova"}}, 1.0}};

  ASSERT_TRUE(loaded.load(saved.save()));

  EXPECT_EQ(loaded.common().work.method, "fednova");
  EXPECT_EQ(loaded.common().work.momentum, 0.5f);
}

TEST(fednova_test, has_enough_digits_for_many_clients_and_steps) {
  constexpr client_id many = 1000;
  trial<fedavg> t{
      fedavg{{.weigh_samples = false, .work = {.method = "fednova"}}, 1.0},
      many};
  for (const auto& g : std::vector(t.said.grants)) {
    const std::uint64_t steps = 10'000 + g.client;
    const auto v =
        t.arrive(arrival{.lease = g.lease, .client = g.client, .steps = steps});
    const auto expected = 1.0 / many / static_cast<double>(steps);
    ASSERT_NEAR(v.weight, expected, 1e-6 * expected);
  }
}

} // namespace troupe::federated
