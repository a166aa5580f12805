#include "gpu/aggregation/server_step.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/aggregation/aggregation.hpp"
#include "tests/gpu/aggregation/on_device.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;
using gpu::server_options;
using gpu::server_rule;

struct version {
  std::vector<float> parameters, momentum, variance;

  gpu::server_blocks<const float> span() const {
    return {parameters, momentum, variance};
  }
  gpu::server_blocks<float> span() { return {parameters, momentum, variance}; }
  friend bool operator==(const version&, const version&) = default;
};

version begun(const server_options& how, std::size_t size) {
  version result;
  result.parameters = random_values(size, 1);
  for (auto name : gpu::state_names(how))
    (name == "momentum" ? result.momentum : result.variance)
        .assign(size, gpu::initial_state(how, name));
  return result;
}

// Two clients, so that there is something to average.
std::vector<std::vector<float>> deltas(std::size_t size, std::uint64_t step) {
  auto all = random_updates(2, size, 10 + step);
  for (auto& each : all)
    for (auto& x : each)
      x *= 0.01f;
  return all;
}

class server_step_test : public on_device {
protected:
  // So many steps on the test's device, or on another.
  version stepped(
      const server_options& how, std::size_t size, std::uint64_t steps) {
    return stepped(on, how, size, steps);
  }
  static version stepped(gpu::device_stream& where, const server_options& how,
      std::size_t size, std::uint64_t steps) {
    auto result = begun(how, size);
    gpu::aggregation sums{where, how, {0, size}};
    for (std::uint64_t s = 0; s < steps; ++s) {
      for (const auto& delta : deltas(size, s)) {
        gpu::buffer sent{size, where};
        gpu::copy<float>(where, delta, sent.span());
        const std::vector<gpu::contribution> one{{sent.span(), 0.5, 0.5}};
        EXPECT_EQ(sums.add(where, one).front(), gpu::admission::added);
      }
      auto next = result;
      sums.publish(where, std::as_const(result).span(), 1.0, next.span());
      result = std::move(next);
    }
    return result;
  }
};

// The papers word for word, in double, one parameter. False where the sign that
// FedYogi takes hangs by a rounding.
bool reference(
    const server_options& how, double d, double& m, double& v, double& x) {
  if (how.rule == server_rule::average) {
    x += how.lr * d;
    return true;
  }
  if (how.rule == server_rule::fed_avgm) {
    m = how.momentum * m + d;
    x += how.lr * (how.nesterov ? d + how.momentum * m : m);
    return true;
  }
  const auto sign = [](double y) { return double(y > 0) - double(y < 0); };
  const auto tie = std::abs(v - d * d) < 1e-4 * v;
  m = how.momentum * m + (1.0 - how.momentum) * d;
  if (how.rule == server_rule::fed_adagrad)
    v += d * d;
  else if (how.rule == server_rule::fed_yogi)
    v -= (1.0 - how.beta2) * d * d * sign(v - d * d);
  else
    v = how.beta2 * v + (1.0 - how.beta2) * d * d;
  x += how.lr * m / (std::sqrt(v) + how.epsilon);
  return how.rule != server_rule::fed_yogi || !tie;
}

const std::vector<server_options> servers{
    {.rule = server_rule::average, .lr = 0.7},
    {.rule = server_rule::fed_avgm},
    {.rule = server_rule::fed_avgm, .lr = 0.5, .nesterov = true},
    {.rule = server_rule::fed_adagrad, .lr = 0.1},
    {.rule = server_rule::fed_adam, .lr = 0.1},
    {.rule = server_rule::fed_yogi, .lr = 0.1},
};

TEST_P(server_step_test, does_what_the_papers_say_for_twenty_steps) {
  constexpr std::size_t size = 1001;
  std::vector<std::vector<std::vector<float>>> given;
  for (std::uint64_t s = 0; s < 20; ++s)
    given.push_back(deltas(size, s));
  for (const auto& how : servers) {
    const auto found = stepped(how, size, 20);
    const auto from = begun(how, size);
    std::size_t compared = 0;
    for (std::size_t i = 0; i < size; ++i) {
      double x = from.parameters[i], m = 0.0, v = how.epsilon * how.epsilon;
      auto largest = std::abs(x); // on its way; where it ends may be near zero
      bool sure = true;
      for (const auto& both : given) {
        const auto d = 0.5 * (double(both[0][i]) + double(both[1][i]));
        sure &= reference(how, d, m, v, x);
        largest = std::max(largest, std::abs(x));
      }
      if (!sure)
        continue;
      ++compared;
      ASSERT_NEAR(found.parameters[i], x, 1e-5 * largest)
          << to_string(how.rule) << i;
    }
    EXPECT_GT(compared, size * 9 / 10);
  }
}

TEST_P(server_step_test, has_the_hosts_bits) {
  gpu::device_stream host;
  for (const auto& how : servers)
    for (std::size_t size : {0, 1, 7, 257, 10007})
      EXPECT_EQ(stepped(how, size, 3), stepped(host, how, size, 3))
          << to_string(how.rule) << size;
}

TEST_P(server_step_test, is_the_average_where_there_is_no_momentum) {
  for (bool nesterov : {false, true})
    EXPECT_EQ(stepped({.rule = server_rule::fed_avgm,
                          .lr = 0.3,
                          .momentum = 0.0,
                          .nesterov = nesterov},
                  1001, 5)
                  .parameters,
        stepped({.rule = server_rule::average, .lr = 0.3}, 1001, 5).parameters);
}

// What one parameter becomes is no matter of its neighbours.
TEST_P(server_step_test, has_the_same_bits_in_ranges_of_any_size) {
  const server_options how{.rule = server_rule::fed_adam, .lr = 0.1};
  const auto whole = stepped(how, 101, 3);
  auto parts = begun(how, 101);
  for (std::size_t k = 0; k < 7; ++k) {
    const auto part = gpu::range_of(k, 7, 101);
    gpu::aggregation sums{on, how, part};
    for (std::uint64_t s = 0; s < 3; ++s) {
      for (const auto& delta : deltas(101, s)) {
        const auto sent = this->sent(part.of(std::span{delta}));
        const std::vector<gpu::contribution> one{{sent.span(), 0.5, 0.5}};
        sums.add(on, one);
      }
      auto next = parts;
      const auto from = std::as_const(parts).span();
      const auto to = next.span();
      sums.publish(on,
          {part.of(from.parameters), part.of(from.momentum),
              part.of(from.variance)},
          1.0,
          {part.of(to.parameters), part.of(to.momentum), part.of(to.variance)});
      parts = std::move(next);
    }
  }

  EXPECT_EQ(parts, whole);
}

TEST_P(server_step_test, keeps_everything_where_nothing_was_added) {
  const server_options how{.rule = server_rule::fed_yogi};
  const auto before = stepped(how, 11, 2);
  auto after = begun(how, 11);
  gpu::aggregation sums{on, how, {0, 11}};

  sums.publish(on, before.span(), 1.0, after.span());

  EXPECT_EQ(after, before);
}

// A variate is moved by an exact sum of its own, and may lead.
TEST_P(server_step_test, moves_a_variate_beside_the_mean) {
  constexpr std::size_t size = 1001;
  const auto all = deltas(size, 3);
  const std::array drifts{0.25, 0.125};
  const gpu::variate_step moved{0.75, -3.0};
  const auto before = random_values(size, 8);
  for (auto use : {gpu::variate_use::corrects, gpu::variate_use::leads}) {
    gpu::aggregation sums{on, {.lr = 0.5, .variate = use}, {0, size}};
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto sent = this->sent(all[i]);
      const gpu::contribution one{sent.span(), 0.5, 0.5};
      sums.add(on, {&one, 1}, {&drifts[i], 1});
    }
    auto x = random_values(size, 1), v = before;
    const auto start = x;
    gpu::server_blocks<const float> from;
    from.parameters = x, from.variate = v;
    gpu::server_blocks<float> to;
    to.parameters = x, to.variate = v;
    sums.publish(on, from, 1.0, to, moved);

    // Each is rounded once, the sum to 2^-42 a contribution.
    constexpr auto half_a_digit = 0x1p-24;
    for (std::size_t i = 0; i < size; ++i) {
      const auto sum = 0.25 * double{all[0][i]} + 0.125 * double{all[1][i]};
      const auto variate = 0.75 * double{before[i]} - 3.0 * sum;
      ASSERT_NEAR(v[i], variate, half_a_digit * std::abs(variate) + 1e-11);
      const auto mean = 0.5 * double{all[0][i]} + 0.5 * double{all[1][i]};
      const auto plain = double{start[i]} + 0.5 * mean;
      const auto led = use == gpu::variate_use::leads ? double{v[i]} : 0.0;
      ASSERT_NEAR(x[i], plain + led,
          half_a_digit * (std::abs(plain) + std::abs(plain + led)) + 1e-11);
    }

    // The next version begins with nothing; the host has the same bits.
    const auto one = v;
    sums.publish(on, from, 1.0, to, moved);
    EXPECT_EQ(v, one);
    gpu::device_stream host;
    gpu::aggregation same{host, {.lr = 0.5, .variate = use}, {0, size}};
    for (std::size_t i = 0; i < all.size(); ++i) {
      const gpu::contribution again{all[i], 0.5, 0.5};
      same.add(host, {&again, 1}, {&drifts[i], 1});
    }
    auto y = start, w = before;
    from.parameters = y, from.variate = w;
    to.parameters = y, to.variate = w;
    same.publish(host, from, 1.0, to, moved);
    EXPECT_EQ(y, x);
    EXPECT_EQ(w, v);
  }
}

TROUPE_ON_EVERY_DEVICE(server_step_test);

TEST(server_rule_test, says_what_it_means_and_keeps) {
  EXPECT_STREQ(gpu::to_string(server_rule::fed_yogi), "FedYogi");
  EXPECT_EQ(gpu::state_names({.rule = server_rule::average}).size(), 0u);
  EXPECT_EQ(gpu::state_names({.rule = server_rule::fed_avgm}).size(), 1u);
  EXPECT_EQ(
      gpu::state_names({.rule = server_rule::fed_adam}).back(), "variance");
  EXPECT_EQ(
      gpu::state_names({.variate = gpu::variate_use::leads}).back(), "variate");
  EXPECT_EQ(gpu::state_names({.rule = server_rule::fed_avgm,
                                 .variate = gpu::variate_use::corrects})
                .size(),
      2u);
  EXPECT_EQ(gpu::initial_state({.epsilon = 0.5}, "variance"), 0.25f);
  EXPECT_EQ(gpu::initial_state({}, "momentum"), 0.0f);
}

} // namespace
