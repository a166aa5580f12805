#include "gpu/training/sample_order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace troupe::training {
namespace {

std::vector<std::uint32_t> taken(
    sample_order& from, std::uint64_t first, std::size_t count) {
  std::vector<std::uint32_t> result(count);
  from.take(first, result);
  return result;
}

TEST(sample_order_test, each_pass_is_a_permutation_of_its_own) {
  std::vector<std::uint32_t> all(41);
  std::iota(all.begin(), all.end(), 0u);
  sample_order order{7, 41};

  const auto first = taken(order, 0, 41);
  const auto second = taken(order, 41, 41);

  EXPECT_THAT(first, testing::UnorderedElementsAreArray(all));
  EXPECT_THAT(second, testing::UnorderedElementsAreArray(all));
  EXPECT_NE(first, all);
  EXPECT_NE(first, second);
}

/// How many of 200 random reads are not the part of a long one.
template <class Take>
int reads_apart(Take take) {
  std::vector<std::uint32_t> whole(100);
  take(0, whole);
  gpu::random_stream random{1, gpu::stream::user};
  int result = 0;
  for (int i = 0; i < 200; ++i) {
    const auto first = random.below(100);
    std::vector<std::uint32_t> part(random.below(101 - first));
    take(first, part);
    result +=
        !std::ranges::equal(part, std::span{whole}.subspan(first, part.size()));
  }
  return result;
}

TEST(sample_order_test, is_the_same_wherever_reads_are_cut) {
  sample_order order{7, 13};
  const auto broken = [](std::uint64_t first, std::span<std::uint32_t> to) {
    sample_order{7, 13}.take(first / 13 * 13, to); // begins with a pass
  };

  EXPECT_EQ(
      reads_apart([&](auto first, auto to) { order.take(first, to); }), 0);
  EXPECT_GT(reads_apart(broken), 0);
}

TEST(sample_order_test, is_another_one_with_another_seed) {
  sample_order one{7, 41};
  sample_order other{8, 41};

  EXPECT_NE(taken(one, 0, 41), taken(other, 0, 41));
}

TEST(sample_order_test, reaches_far_passes_at_once) {
  sample_order order{7, 3};
  const auto far = std::uint64_t{3} << 50;

  const auto pass = taken(order, far, 3);

  EXPECT_THAT(pass, testing::UnorderedElementsAre(0u, 1u, 2u));
}

TEST(sample_order_test, has_one_sample_again_and_again) {
  sample_order order{7, 1};

  EXPECT_THAT(taken(order, 5, 3), testing::Each(0u));
}

} // namespace
} // namespace troupe::training
