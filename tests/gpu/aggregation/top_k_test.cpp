#include "gpu/aggregation/top_k.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/aggregation/on_device.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;

class top_k_test : public on_device {
protected:
  struct found {
    std::vector<std::uint32_t> indices;
    std::vector<float> values;
  };

  found top(const std::vector<float>& host, std::size_t k) {
    auto values = sent(host);
    auto kept = poisoned(k + 1); // the last one stays as it is
    auto held = poisoned(k);     // a float's room for each index
    auto indices =
        std::span{reinterpret_cast<std::uint32_t*>(held.span().data()), k};
    gpu::top_k(on, values.span(), indices, kept.span().first(k));
    auto result = found{std::vector<std::uint32_t>(k), fetched(kept.span())};
    EXPECT_TRUE(std::isnan(result.values.back())) << "wrote behind the end";
    result.values.pop_back();
    gpu::copy(on, indices, std::span{result.indices});
    on.synchronise();
    return result;
  }

  // A stable sort by magnitude.
  void expect_right(const std::vector<float>& host, std::size_t k) {
    std::vector<std::uint32_t> order(host.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
        [&](auto a, auto b) { return std::abs(host[a]) > std::abs(host[b]); });
    order.resize(k);
    std::sort(order.begin(), order.end());
    std::vector<float> values;
    for (auto i : order)
      values.push_back(host[i]);

    auto seen = top(host, k);

    EXPECT_EQ(seen.indices, order) << host.size() << " by " << k;
    EXPECT_EQ(bits(seen.values), bits(values)) << host.size() << " by " << k;
  }
};

TEST_P(top_k_test, finds_what_a_sort_does) {
  for (std::size_t size : {1, 2, 7, 255, 257, 4096, 4097, 12289})
    for (auto k : {std::size_t{1}, size / 100, size / 2, size - 1, size})
      expect_right(random_values(size, size), k);
}

TEST_P(top_k_test, finds_one_percent_of_many) {
  expect_right(random_values(100'003, 1), 1000);
}

TEST_P(top_k_test, takes_the_first_of_equals) {
  auto random = gpu::random_stream{3, gpu::stream::user};
  auto host = std::vector<float>(9001);
  for (auto& value : host)
    value = static_cast<float>(random.below(5)) - 2.0f; // -2 ... 2
  for (std::size_t k : {1, 1000, 3600, 3700, 7000, 8999, 9001})
    expect_right(host, k);
  expect_right(std::vector<float>(5000, 0.0f), 4097);
}

TEST_P(top_k_test, tells_neighbours_apart) {
  auto host = std::vector<float>(6000, 1.0f);
  for (std::size_t i = 0; i < host.size(); ++i)
    host[i] =
        (i % 2 ? -1.0f : 1.0f) * (1.0f + 0x1p-23f * float(i * 7919 % 6000));
  for (std::size_t k : {1, 17, 3000, 5999})
    expect_right(host, k);
}

TEST_P(top_k_test, orders_zeros_denormals_and_infinity) {
  auto host = random_values(300, 2);
  for (std::size_t i = 0; i < 300; i += 3)
    host[i] = i % 2 ? -0.0f : 1e-44f;
  host[299] = -infinity;
  host[298] = infinity;
  for (std::size_t k : {1, 2, 150, 240, 260, 299})
    expect_right(host, k);
}

TEST_P(top_k_test, refuses_nan_by_name) {
  auto host = random_values(5000, 4);
  host[4321] = -not_a_number;
  try {
    top(host, 3);
    FAIL() << "NaN was let in";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "top k: NaN has no magnitude");
  }
}

TEST_P(top_k_test, of_none_is_nothing) {
  EXPECT_TRUE(top({}, 0).indices.empty());
  EXPECT_TRUE(top(random_values(10, 1), 0).indices.empty());
}

TEST_P(top_k_test, refuses_sizes_that_do_not_fit) {
  auto host = random_values(10, 1);
  auto values = sent(host);
  auto kept = poisoned(11);
  auto indices = std::vector<std::uint32_t>(11);

  EXPECT_THROW(gpu::top_k(on, values.span(), indices, kept.span()),
      std::invalid_argument);
  EXPECT_THROW(
      gpu::top_k(on, values.span(), std::span{indices}.first(3), kept.span()),
      std::invalid_argument);
}

TROUPE_ON_EVERY_DEVICE(top_k_test);

} // namespace
