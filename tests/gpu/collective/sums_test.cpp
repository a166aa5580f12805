#include "gpu/collective/sums.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace troupe::gpu {
namespace {

std::vector<float> drawn(unsigned seed, std::size_t count) {
  std::mt19937 draw{seed};
  std::normal_distribution<float> normal;
  std::vector<float> result(count);
  for (auto& x : result)
    x = normal(draw) * std::exp(2.0f * normal(draw));
  return result;
}

// Lengths around every vector's and every tile's.
TEST(sums_test, add_as_a_plain_loop_does) {
  for (std::size_t count : {0u, 1u, 7u, 16u, 17u, 511u, 512u, 513u, 5'003u}) {
    const auto a = drawn(1, count);
    const auto b = drawn(2, count);
    std::vector<float> sum(count);

    combine(
        reduction::sum, element::f32, a.data(), b.data(), sum.data(), count);

    for (std::size_t i = 0; i < count; ++i)
      ASSERT_EQ(sum[i], a[i] + b[i]);
  }
}

TEST(sums_test, follow_the_order_that_they_are_given) {
  constexpr std::size_t count = 1'301;
  const auto a = drawn(1, count);
  const auto b = drawn(2, count);
  const auto c = drawn(3, count);
  const void* terms[]{a.data(), b.data(), c.data()};
  std::vector<float> left(count);
  std::vector<float> right(count);
  std::vector<float> copy(count);
  void* both[]{left.data(), copy.data()};
  void* one[]{right.data()};

  combine_in_order(reduction::sum, element::f32, terms,
      std::vector<std::int32_t>{0, 1, plus, 2, plus}, both, count);
  combine_in_order(reduction::sum, element::f32, terms,
      std::vector<std::int32_t>{0, 1, 2, plus, plus}, one, count);

  std::size_t differ = 0;
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(left[i], (a[i] + b[i]) + c[i]);
    ASSERT_EQ(right[i], a[i] + (b[i] + c[i]));
    differ += left[i] != right[i];
  }
  EXPECT_EQ(copy, left);
  EXPECT_GT(differ, count / 20);
}

TEST(sums_test, may_be_written_where_a_term_lies) {
  constexpr std::size_t count = 2'000;
  auto a = drawn(1, count);
  auto b = drawn(2, count);
  const auto first = a;
  const auto second = b;
  const void* terms[]{a.data(), b.data()};
  void* both[]{a.data(), b.data()};

  combine_in_order(reduction::sum, element::f32, terms,
      std::vector<std::int32_t>{0, 1, plus}, both, count);

  for (std::size_t i = 0; i < count; ++i)
    ASSERT_EQ(a[i], first[i] + second[i]);
  EXPECT_EQ(a, b);
}

TEST(sums_test, know_every_reduction_of_integers) {
  const std::int64_t a[]{3, -4, std::numeric_limits<std::int64_t>::max()};
  const std::int64_t b[]{5, 2, 1};
  const auto by = [&](reduction how) {
    std::vector<std::int64_t> to(3);
    combine(how, element::i64, a, b, to.data(), 3);
    return to;
  };
  using list = std::vector<std::int64_t>;

  EXPECT_EQ(by(reduction::sum),
      (list{8, -2, std::numeric_limits<std::int64_t>::min()}));
  EXPECT_EQ(by(reduction::product),
      (list{15, -8, std::numeric_limits<std::int64_t>::max()}));
  EXPECT_EQ(by(reduction::maximum),
      (list{5, 2, std::numeric_limits<std::int64_t>::max()}));
  EXPECT_EQ(by(reduction::minimum), (list{3, -4, 1}));
}

// 1 + 2^-9 lies between two brain floats and goes to the even one.
TEST(sums_test, round_brain_floats_to_even) {
  const std::uint16_t one = 0x3f80;
  const std::uint16_t little = 0x3b80; // 2^-8, half of the last place of 1
  const std::uint16_t odd = 0x3f81;
  std::uint16_t sum = 0;

  combine(reduction::sum, element::bf16, &one, &little, &sum, 1);
  EXPECT_EQ(sum, one);
  combine(reduction::sum, element::bf16, &odd, &little, &sum, 1);
  EXPECT_EQ(sum, 0x3f82);
}

TEST(sums_test, divide_for_an_average) {
  std::vector<float> x{6.0f, 1.0f};
  divide(element::f32, x.data(), 2, 3);
  EXPECT_EQ(x, (std::vector<float>{2.0f, 1.0f / 3.0f}));
  std::uint16_t six = 0x40c0;
  divide(element::bf16, &six, 1, 3);
  EXPECT_EQ(six, 0x4000);
}

} // namespace
} // namespace troupe::gpu
