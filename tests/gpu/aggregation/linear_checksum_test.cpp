#include "gpu/aggregation/linear_checksum.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/random.hpp"
#include "gpu/range.hpp"

namespace {

using namespace troupe;
using gpu::accumulator;
using gpu::linear_checksum::multipliers_from;

std::vector<float> values(std::size_t size, std::uint64_t seed) {
  auto random = gpu::random_stream{seed, gpu::stream::user, 77};
  std::vector<float> result(size);
  for (auto& x : result)
    x = static_cast<float>(random.normal());
  return result;
}

// One by one, as the header has it.
std::uint64_t defined(
    std::span<const float> what, double weight, std::uint64_t first) {
  std::uint64_t result = 0;
  for (std::size_t i = 0; i < what.size(); ++i) {
    const auto integer = std::nearbyint(
        weight * gpu::fixed_point::value_scale * double{what[i]});
    result += multipliers_from(first + i).first *
              static_cast<std::uint64_t>(static_cast<std::int64_t>(integer));
  }
  return result;
}

TEST(linear_checksum_test, is_what_it_is_defined_to_be_at_any_border) {
  for (std::size_t first : {0, 1, 5, 2047, 2048, 100'000})
    for (std::size_t size :
        {0, 1, 3, 4, 15, 16, 17, 100, 2047, 2048, 2049, 4096, 10'240, 10'301}) {
      accumulator sums{size, first};
      const auto what = values(size, size + first);

      EXPECT_EQ(sums.add(what, 0.125).checksum, defined(what, 0.125, first))
          << size << " from " << first;
    }
}

TEST(linear_checksum_test, of_a_sum_is_the_sum_of_its_contributions) {
  for (std::size_t size : {1, 17, 2048, 6001}) {
    accumulator sums{size}, others{size};
    std::uint64_t total = 0;
    for (std::uint64_t i = 0; i < 20; ++i) {
      auto& side = i % 3 == 0 ? others : sums;
      total += side.add(values(size, i), 0.05, 0.01).checksum;
    }

    sums.merge(others);

    EXPECT_EQ(sums.checksum(), total) << size;
  }
}

TEST(linear_checksum_test, of_a_whole_is_the_sum_of_its_ranges) {
  constexpr std::size_t size = 9001;
  const auto what = values(size, 3);
  accumulator whole{size};
  const auto expected = whole.add(what, 0.3).checksum;
  for (std::size_t count : {1, 2, 4, 7}) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto part = gpu::range_of(i, count, size);
      accumulator sums{part.size, part.first};
      total += sums.add(part.of(std::span{what}), 0.3).checksum;
    }

    EXPECT_EQ(total, expected) << count;
  }
}

TEST(linear_checksum_test, belongs_to_what_was_added_alone) {
  accumulator sums{2};

  EXPECT_EQ(sums.add(std::vector{NAN, 1.0f}, 0.5).checksum, 0u);
  EXPECT_EQ(sums.add(std::vector{1.0f}, 0.5).checksum, 0u);
  EXPECT_EQ(sums.checksum(), 0u);
}

// What an accident makes of a contribution.
enum class accident { one_bit, two_swapped, moved_on, blocks_swapped };

std::vector<float> spoilt(
    std::vector<float> what, accident how, gpu::random_stream& random) {
  const auto size = static_cast<std::uint32_t>(what.size());
  const auto at = random.below(size - 4096);
  switch (how) {
  case accident::one_bit: {
    auto bits = std::bit_cast<std::uint32_t>(what[at]);
    what[at] = std::bit_cast<float>(bits ^ 1u << (20 + random.below(7)));
    break;
  }
  case accident::two_swapped:
    std::swap(what[at], what[at + 1 + random.below(4000)]);
    break;
  case accident::moved_on:
    std::rotate(what.begin(), what.begin() + 1 + at, what.end());
    break;
  case accident::blocks_swapped:
    std::swap_ranges(what.begin(), what.begin() + 2048, what.begin() + 2048);
  }
  return what;
}

// Whether a sum with something else in it has another checksum, always.
template <class Checksum>
bool notices_accidents(Checksum of) {
  auto random = gpu::random_stream{5, gpu::stream::user};
  for (int i = 0; i < 300; ++i) {
    const auto what = values(8192, static_cast<std::uint64_t>(i));
    const auto how = static_cast<accident>(i % 4);
    if (of(what) == of(spoilt(what, how, random)))
      return false;
  }
  return true;
}

TEST(linear_checksum_test, notices_what_accidents_do) {
  EXPECT_TRUE(notices_accidents([](const std::vector<float>& what) {
    return accumulator{what.size()}.add(what, 0.25).checksum;
  }));
}

// A broken twin: all multipliers are one.
TEST(linear_checksum_test, would_notice_less_without_places) {
  EXPECT_FALSE(notices_accidents([](const std::vector<float>& what) {
    std::int64_t sum = 0;
    for (auto x : what)
      sum += std::llround(0.25 * gpu::fixed_point::value_scale * double{x});
    return sum;
  }));
}

TEST(linear_checksum_test, lets_no_single_integer_change_unseen) {
  for (std::uint64_t place = 0; place < 100'000; ++place)
    ASSERT_EQ(multipliers_from(place).first % 2, 1u) << place;
}

} // namespace
