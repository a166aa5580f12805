#include "gpu/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace troupe;
using gpu::philox4x32;
using gpu::random_stream;

using block = std::array<std::uint32_t, 4>;

struct moments {
  double mean = 0.0;
  double variance = 0.0;
};

template <class Draw>
moments moments_of(Draw&& draw, int count = 200'000) {
  double sum = 0.0, squares = 0.0;
  for (int i = 0; i < count; ++i) {
    auto x = draw();
    sum += x;
    squares += x * x;
  }
  auto mean = sum / count;
  return {mean, squares / count - mean * mean};
}

// From the authors' library, Random123, file kat_vectors.
TEST(random_test, gives_the_known_answers_of_philox) {
  constexpr auto ones = ~std::uint32_t{0};

  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
      (block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}),
      (block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                {0xa4093822, 0x299f31d0}),
      (block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(random_test, never_changes_its_numbers) {
  auto random = random_stream{1, gpu::stream::train, 2, 3};

  EXPECT_EQ(random.next(), 3527873995u);
  EXPECT_EQ(random.below(1000), 975u);
}

TEST(random_test, makes_another_stream_of_every_part_of_the_key) {
  std::set<std::uint32_t> firsts;
  std::size_t streams = 0;

  for (std::uint64_t seed : {0ull, 1ull, 1ull << 32})
    for (std::uint32_t purpose : {0u, 1u})
      for (std::uint64_t a : {0ull, 1ull, 1ull << 32})
        for (std::uint64_t b : {0ull, 1ull, 1ull << 32}) {
          firsts.insert(random_stream{seed, purpose, a, b}.next());
          ++streams;
        }

  EXPECT_EQ(firsts.size(), streams);
}

TEST(random_test, is_a_value) {
  auto random = random_stream{7};
  random.normal();
  auto copy = random;

  EXPECT_EQ(copy.normal(), random.normal());
  EXPECT_EQ(copy.next(), random.next());
}

TEST(random_test, draws_uniform_numbers) {
  auto random = random_stream{1};
  double least = 1.0, most = 0.0;

  auto [mean, variance] = moments_of([&] {
    auto x = random.uniform();
    least = std::min(least, x);
    most = std::max(most, x);
    return x;
  });

  EXPECT_NEAR(mean, 0.5, 0.003);
  EXPECT_NEAR(variance, 1.0 / 12.0, 0.002);
  EXPECT_GE(least, 0.0);
  EXPECT_LT(most, 1.0);
}

TEST(random_test, draws_standard_normals) {
  auto random = random_stream{2};

  auto [mean, variance] = moments_of([&] { return random.normal(); });

  EXPECT_NEAR(mean, 0.0, 0.01);
  EXPECT_NEAR(variance, 1.0, 0.02);
}

TEST(random_test, draws_gammas_of_every_shape) {
  auto random = random_stream{3};
  for (auto shape : {0.1, 0.5, 1.0, 3.0, 40.0}) {
    auto [mean, variance] = moments_of([&] { return random.gamma(shape); });

    EXPECT_NEAR(mean, shape, 0.02 * shape + 0.005);
    EXPECT_NEAR(variance, shape, 0.05 * shape + 0.01);
  }
}

TEST(random_test, is_fair_below_a_bound) {
  auto random = random_stream{4};
  std::array<int, 7> hits{};

  for (int i = 0; i < 70'000; ++i)
    ++hits.at(random.below(7));

  double chi_squared = 0.0;
  for (auto hit : hits)
    chi_squared += (hit - 10'000.0) * (hit - 10'000.0) / 10'000.0;
  EXPECT_LT(chi_squared, 22.5); // 99.9 % of fair ones, 6 degrees of freedom
}

TEST(random_test, is_unbiased_where_bounds_do_not_divide_2_to_the_32) {
  auto random = random_stream{5};
  constexpr std::uint32_t bound = 0xC0000000; // a naive modulo favours a third

  auto [mean, variance] =
      moments_of([&] { return random.below(bound) / double{bound}; });

  EXPECT_NEAR(mean, 0.5, 0.003);
  EXPECT_NEAR(variance, 1.0 / 12.0, 0.002);
}

TEST(random_test, shuffles_into_permutations) {
  auto random = random_stream{6};
  std::vector<std::uint32_t> items(100);
  std::iota(items.begin(), items.end(), 0u);
  auto sorted = items;

  random.shuffle(items);

  EXPECT_NE(items, sorted);
  EXPECT_TRUE(std::is_permutation(items.begin(), items.end(), sorted.begin()));
}

TEST(random_test, shuffles_fairly) {
  auto random = random_stream{8};
  std::array<int, 6> hits{};

  for (int i = 0; i < 60'000; ++i) {
    std::array<std::uint32_t, 3> items{0, 1, 2};
    random.shuffle(items);
    ++hits.at(items[0] * 2 + (items[1] > items[2] ? 1 : 0));
  }

  for (auto hit : hits)
    EXPECT_NEAR(hit, 10'000, 400);
}

TEST(random_test, leaves_nothing_and_one_alone) {
  auto random = random_stream{9};
  std::vector<std::uint32_t> none, one{5};

  random.shuffle(none);
  random.shuffle(one);

  EXPECT_EQ(one, std::vector<std::uint32_t>{5});
}

TEST(random_test, has_a_stream_of_its_own_for_every_purpose) {
  const std::set<std::uint32_t> all{gpu::stream::initialise,
      gpu::stream::partition, gpu::stream::synthetic, gpu::stream::select,
      gpu::stream::train, gpu::stream::place, gpu::stream::quantise,
      gpu::stream::user};

  EXPECT_EQ(all.size(), 8u);
}

} // namespace
