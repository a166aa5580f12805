#include "gpu/aggregation/squared_distances.hpp"

#include <cmath>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/aggregation/on_device.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;

class squared_distances_test : public on_device {
protected:
  std::vector<double> distances(const std::vector<std::vector<float>>& host) {
    auto updates = sent_updates(*this, host);
    return gpu::squared_distances(on, updates.spans);
  }

  // Against subtraction in long double.
  void expect_close(const std::vector<std::vector<float>>& host) {
    auto found = distances(host);
    auto count = host.size();
    ASSERT_EQ(found.size(), count * count);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < count; ++j) {
        long double exact = 0.0L;
        for (std::size_t k = 0; k < host[i].size(); ++k) {
          auto difference = static_cast<long double>(host[i][k]) - host[j][k];
          exact += difference * difference;
        }
        EXPECT_NEAR(found[i * count + j], exact, 1e-3 * exact) << i << ' ' << j;
        EXPECT_EQ(found[i * count + j], found[j * count + i]);
      }
  }
};

TEST_P(squared_distances_test, are_those_of_subtraction) {
  for (std::size_t members : {1, 2, 3, 17})
    for (std::size_t size : {0, 1, 7, 1025})
      expect_close(random_updates(members, size, members));
}

TEST_P(squared_distances_test, cross_the_borders_of_products) {
  expect_close(random_updates(3, (1u << 17) + 1, 5));
}

TEST_P(squared_distances_test, survive_cancellation) {
  // Far from the first one, and hardly apart.
  auto host = random_updates(6, 3001, 6);
  for (std::size_t i = 2; i < 6; ++i) {
    host[i] = host[1];
    host[i][i] += 1e-3f;
    host[i][3000] *= 1.0f + 1e-6f * static_cast<float>(i);
  }
  expect_close(host);
}

TEST_P(squared_distances_test, of_equal_updates_are_zero) {
  auto host = random_updates(5, 2049, 7);
  host[3] = host[1];
  host[4] = host[0];

  auto found = distances(host);

  EXPECT_EQ(found[1 * 5 + 3], 0.0);
  EXPECT_EQ(found[0 * 5 + 4], 0.0);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(found[i * 5 + i], 0.0);
}

TEST_P(squared_distances_test, are_never_negative) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto host = random_updates(4, 301, seed);
    for (std::size_t k = 0; k < 301; ++k) {
      host[2][k] = host[1][k] * (1.0f + 0x1p-20f);
      host[3][k] = std::nextafter(host[1][k], 0.0f);
    }
    for (auto each : distances(host))
      EXPECT_GE(each, 0.0);
  }
}

TEST_P(squared_distances_test, are_spoilt_only_by_what_is_not_finite) {
  auto host = random_updates(4, 99, 8);
  host[0][5] = not_a_number; // the one that others are taken relative to
  host[2][6] = infinity;

  auto found = distances(host);

  EXPECT_TRUE(std::isnan(found[0 * 4 + 1]));
  EXPECT_TRUE(std::isinf(found[1 * 4 + 2]));
  host.erase(host.begin());
  host.erase(host.begin() + 1);
  EXPECT_NEAR(found[1 * 4 + 3], distances(host)[1], 1e-3 * found[1 * 4 + 3]);
}

TEST_P(squared_distances_test, outgrow_fp32) {
  auto host = std::vector<std::vector<float>>{
      {0.0f, 1e30f}, {-1e30f, 0.0f}, {1e30f, 2e30f}};

  auto found = distances(host);

  EXPECT_NEAR(found[1], 2e60, 1e57);
  EXPECT_NEAR(found[5], 8e60, 1e57);
  EXPECT_NEAR(distances({{0.0f, 1e-30f}, {0.0f, 0.0f}})[1], 1e-60, 1e-63);
}

TEST_P(squared_distances_test, refuse_what_has_none) {
  auto host = random_updates(2, 5, 1);
  host[1].pop_back();

  EXPECT_THROW(distances(host), std::invalid_argument);
  EXPECT_THROW(distances({}), std::invalid_argument);
}

TROUPE_ON_EVERY_DEVICE(squared_distances_test);

} // namespace
