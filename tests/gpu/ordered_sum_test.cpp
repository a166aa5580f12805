#include "gpu/aggregation/ordered_sum.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/aggregation/norms.hpp"

namespace troupe::gpu {
namespace {

std::vector<float> noise(std::size_t count) {
  std::minstd_rand dice{static_cast<unsigned>(count + 1)};
  std::normal_distribution<float> draw{0.0f, 3.0f};
  std::vector<float> result(count);
  for (auto& each : result)
    each = draw(dice);
  return result;
}

// However the pieces are cut, the bits are those of the whole.
TEST(running_squares_test, are_summed_as_if_they_came_at_once) {
  for (std::size_t count : {0u, 1u, 255u, 256u, 8'191u, 8'192u, 8'193u,
           100'003u, 3u * 256u * 8'192u}) {
    const auto values = noise(count);
    const auto whole = ordered::sum_of_squares(values);
    for (unsigned seed = 0; seed < 3; ++seed) {
      std::minstd_rand dice{seed + 7};
      ordered::running_squares running;
      for (std::size_t at = 0; at < count;) {
        const auto size =
            std::min<std::size_t>(count - at, 1 + dice() % 70'000);
        running.add(std::span{values}.subspan(at, size));
        at += size;
      }
      EXPECT_EQ(std::bit_cast<std::uint64_t>(running.sum()),
          std::bit_cast<std::uint64_t>(whole))
          << count;
    }
  }
}

TEST(norm_bound_test, is_passed_by_what_is_longer_or_no_number) {
  const std::vector<float> three_four{3.0f, 4.0f};
  EXPECT_FALSE(is_longer(three_four, 5.0));
  EXPECT_TRUE(is_longer(three_four, 4.999999));
  const std::vector<float> broken{0.0f, NAN};
  EXPECT_TRUE(is_longer(broken, 1e30));
  EXPECT_FALSE(is_longer({}, 1e-30));
}

} // namespace
} // namespace troupe::gpu
