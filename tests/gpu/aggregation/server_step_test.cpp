#include "gpu/aggregation/server_step.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/aggregation/on_device.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;
using gpu::server_rule;

class server_step_test : public on_device {
protected:
  struct state {
    std::vector<float> m, v, parameters;
  };
  static state begun(std::size_t size) {
    return {std::vector<float>(size, 0.0f), std::vector<float>(size, 1e-6f),
        random_values(size, 1)};
  }
  // Three steps on the test's device.
  state stepped(const gpu::server_options& how, std::size_t size) {
    auto from = begun(size);
    auto m = sent(from.m), v = sent(from.v), w = sent(from.parameters);
    for (std::uint64_t i = 0; i < 3; ++i) {
      auto delta = sent(random_values(size, 10 + i));
      gpu::server_step(on, how, delta.span(), m.span(), v.span(), w.span());
    }
    return {fetched(m.span()), fetched(v.span()), fetched(w.span())};
  }
};

// Algorithm 2 word for word, in double.
void reference(
    const gpu::server_options& how, double d, double& m, double& v, double& w) {
  auto sign = [](double x) { return double(x > 0) - double(x < 0); };
  m = how.beta1 * m + (1.0 - how.beta1) * d;
  if (how.rule == server_rule::fed_adagrad)
    v += d * d;
  else if (how.rule == server_rule::fed_yogi)
    v -= (1.0 - how.beta2) * d * d * sign(v - d * d);
  else
    v = how.beta2 * v + (1.0 - how.beta2) * d * d;
  w += how.lr * m / (std::sqrt(v) + how.tau);
}

constexpr auto rules = {
    server_rule::fed_adagrad, server_rule::fed_yogi, server_rule::fed_adam};

TEST_P(server_step_test, does_what_the_paper_says) {
  for (auto rule : rules) {
    auto how = gpu::server_options{.rule = rule, .lr = 0.1f};
    auto found = stepped(how, 1001);
    auto from = begun(1001);
    for (std::size_t i = 0; i < 1001; ++i) {
      double m = from.m[i], v = from.v[i], w = from.parameters[i];
      for (std::uint64_t s = 0; s < 3; ++s)
        reference(how, random_values(1001, 10 + s)[i], m, v, w);
      // Where v cancels, its square root knows half as many digits.
      EXPECT_NEAR(found.m[i], m, 1e-5 * (1 + std::abs(m)));
      EXPECT_NEAR(found.v[i], v, 1e-5 * (1 + v));
      EXPECT_NEAR(found.parameters[i], w, 2e-4 * (1 + std::abs(w)))
          << to_string(rule) << i;
    }
  }
}

TEST_P(server_step_test, has_the_hosts_bits) {
  for (auto rule : rules)
    for (std::size_t size : {0, 1, 7, 257, 10007}) {
      auto how = gpu::server_options{.rule = rule};
      auto cpu = gpu::device_stream{};
      auto expected = begun(size);
      for (std::uint64_t i = 0; i < 3; ++i)
        gpu::server_step(cpu, how, random_values(size, 10 + i), expected.m,
            expected.v, expected.parameters);

      auto found = stepped(how, size);

      EXPECT_EQ(bits(found.m), bits(expected.m));
      EXPECT_EQ(bits(found.v), bits(expected.v));
      EXPECT_EQ(bits(found.parameters), bits(expected.parameters));
    }
}

TROUPE_ON_EVERY_DEVICE(server_step_test);

TEST(server_rule_test, says_what_it_means) {
  EXPECT_STREQ(gpu::to_string(server_rule::fed_yogi), "FedYogi");
}

} // namespace
