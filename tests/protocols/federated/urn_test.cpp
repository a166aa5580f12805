#include "protocols/federated/urn.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::federated {
namespace {

std::vector<std::size_t> draw(
    std::span<const double> weights, std::size_t count, std::uint64_t seed) {
  urn all{weights};
  gpu::random_stream random{seed};
  std::vector<std::size_t> result;
  while (result.size() < count)
    result.push_back(all.take(random));
  return result;
}

// The chance that place i is among the first `left` draws, by every order in
// which they can come.
void add_chances(const std::vector<double>& weights, std::size_t left,
    double chance, std::vector<double>& to) {
  if (left == 0)
    return;
  const auto all = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto here = chance * weights[i] / all;
    if (here == 0.0)
      continue;
    to[i] += here;
    auto others = weights;
    others[i] = 0.0;
    add_chances(others, left - 1, here, to);
  }
}

} // namespace

TEST(urn_test, draws_each_place_once_until_it_is_empty) {
  for (std::size_t size = 1; size < 40; ++size) {
    std::vector<double> weights(size);
    for (std::size_t i = 0; i < size; ++i)
      weights[i] = 1e-3 + static_cast<double>(i * i);

    const auto drawn = draw(weights, size, size);

    EXPECT_EQ(std::set(drawn.begin(), drawn.end()).size(), size);
    EXPECT_LT(*std::ranges::max_element(drawn), size);
  }
}

// Chi-square of how often each place was among three of seven: below 27.9 with
// a chance of 99.99 % (6 degrees of freedom; draws without replacement scatter
// less than that).
TEST(urn_test, draws_in_proportion_to_the_weights_that_are_left) {
  constexpr int draws = 20'000;
  const std::vector<double> weights{1, 2, 3, 5, 8, 13, 40};
  std::vector<double> chances(weights.size()), times(weights.size());
  add_chances(weights, 3, 1.0, chances);

  for (int i = 0; i < draws; ++i)
    for (auto place : draw(weights, 3, static_cast<std::uint64_t>(i)))
      ++times[place];

  double square = 0.0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto expected = draws * chances[i];
    square += (times[i] - expected) * (times[i] - expected) / expected;
  }
  EXPECT_LT(square, 27.9);
}

TEST(urn_test, draws_what_weighs_next_to_nothing_last) {
  const std::array<double, 4> weights{1e-300, 1.0, 1e-300, 1e300};

  EXPECT_EQ(draw(weights, 1, 3).at(0), 3u);
  const auto drawn = draw(weights, 4, 3);
  EXPECT_EQ(drawn[1], 1u);
}

} // namespace troupe::federated
