#include "gpu/aggregation/norms.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/aggregation/on_device.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;

class norms_test : public on_device {};

long double exact_norm(const std::vector<float>& values) {
  long double sum = 0.0L;
  for (auto value : values)
    sum += static_cast<long double>(value) * value;
  return std::sqrt(sum);
}

TEST_P(norms_test, are_close_to_those_in_long_double) {
  auto host = std::vector<std::vector<float>>{};
  for (std::size_t size : {0, 1, 7, 255, 257, 8191, 8192, 8193, 100003})
    host.push_back(random_values(size, size));
  auto updates = sent_updates(*this, host);

  auto found = gpu::norms(on, updates.spans);

  ASSERT_EQ(found.size(), host.size());
  for (std::size_t i = 0; i < host.size(); ++i)
    EXPECT_NEAR(found[i], exact_norm(host[i]), 1e-13 * found[i]) << i;
}

TEST_P(norms_test, have_the_hosts_bits) {
  auto host = random_updates(5, 30011, 1);
  auto updates = sent_updates(*this, host);
  auto cpu = gpu::device_stream{};

  EXPECT_EQ(gpu::norms(on, updates.spans),
      gpu::norms(
          cpu, std::vector<std::span<const float>>(host.begin(), host.end())));
}

TEST_P(norms_test, neither_overflow_nor_hide_what_is_not_finite) {
  auto host = random_updates(4, 500, 2);
  host[0].assign(500, 3e38f);
  host[1][499] = infinity;
  host[2][3] = not_a_number;
  auto updates = sent_updates(*this, host);

  auto found = gpu::norms(on, updates.spans);

  EXPECT_NEAR(found[0], 3e38 * std::sqrt(500.0), 1e32);
  EXPECT_TRUE(std::isinf(found[1]));
  EXPECT_TRUE(std::isnan(found[2]));
  EXPECT_TRUE(std::isfinite(found[3]));
}

TEST_P(norms_test, of_nothing_are_none) {
  EXPECT_TRUE(gpu::norms(on, {}).empty());
}

TEST_P(norms_test, are_clipped_where_they_pass_the_bound) {
  auto host = random_updates(6, 5001, 3);
  host[1].assign(5001, 1e-4f);
  host[2].assign(5001, 0.0f);
  host[3][17] = not_a_number;
  host[4][5000] = -infinity;
  std::vector<gpu::buffer> held;
  std::vector<std::span<float>> spans;
  for (const auto& each : host) {
    held.push_back(sent(each));
    spans.push_back(held.back().span());
  }

  auto factors = gpu::clip_to_norm(on, spans, 3.0);

  for (std::size_t i : {0, 5}) {
    auto clipped = fetched(spans[i]);
    EXPECT_NEAR(factors[i] * exact_norm(host[i]), 3.0, 1e-12);
    EXPECT_LE(exact_norm(clipped), 3.0 * (1 + 0x1p-24));
    for (std::size_t j = 0; j < clipped.size(); ++j)
      ASSERT_EQ(clipped[j],
          static_cast<float>(factors[i] * static_cast<double>(host[i][j])));
  }
  for (std::size_t i : {1, 2, 3, 4})
    EXPECT_EQ(bits(fetched(spans[i])), bits(host[i])) << i;
  EXPECT_EQ(factors[1], 1.0);
  EXPECT_EQ(factors[2], 1.0);
  EXPECT_TRUE(std::isnan(factors[3]));
  EXPECT_TRUE(std::isnan(factors[4]));
}

TROUPE_ON_EVERY_DEVICE(norms_test);

} // namespace
