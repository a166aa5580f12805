#include "gpu/cuda/primitives.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <stdexcept>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/cuda/even_blocks.hpp"
#include "gpu/cuda/operators.hpp"
#include "gpu/operators/reductions.hpp"
#include "gpu/recording.hpp"
#include "tests/gpu/cuda/on_gpu.hpp"

// What only a build with CUDA has, against plain loops.
namespace troupe::tests {
namespace {

namespace primitives = gpu::cuda::primitives;
using gpu::fixed_point::magnitude;

constexpr std::size_t sizes[]{0, 1, 255, 1000, 70'001};

class primitives_test : public on_gpu {
protected:
  /// Few different ones, so that many are equal.
  std::vector<std::uint32_t> random_keys(std::size_t size) {
    std::vector<std::uint32_t> result(size);
    for (auto& key : result)
      key = below(2) == 0 ? below(50) : ~below(50);
    return result;
  }
  /// Whole numbers of either sign, many of them equal.
  std::vector<float> coarse_values(std::size_t size) {
    std::vector<float> result(size);
    for (auto& value : result)
      value = float(below(9)) - 4.0f;
    return result;
  }
};
TROUPE_ON_EVERY_GPU(primitives_test);

TEST_P(primitives_test, sums_are_the_hosts_in_double) {
  for (auto size : sizes) {
    auto x = random(size);

    EXPECT_NEAR(
        primitives::sum(gpu(), x.at(gpu())), sum(host, x.at(host)), 1e-8);
    EXPECT_NEAR(primitives::sum_of_squares(gpu(), x.at(gpu())),
        sum_of_squares(host, x.at(host)), 1e-8);
    EXPECT_EQ(primitives::sum(gpu(), x.at(gpu())),
        primitives::sum(gpu(), x.at(gpu())));
  }
}

TEST_P(primitives_test, the_largest_magnitude_has_infinity_and_nan_on_top) {
  for (auto size : sizes)
    for (auto odd : {0.0f, -infinity, -nan}) {
      auto values = random_values(size);
      if (size > 0 && odd != 0.0f)
        values[below(std::uint32_t(size))] = odd;
      auto x = sent(values);
      std::int32_t expected = 0;
      for (auto value : values)
        expected = std::max(expected, magnitude(value));

      EXPECT_EQ(primitives::largest_magnitude(gpu(), x.at(gpu())), expected);
    }
}

TEST_P(primitives_test, sorts_and_leaves_equals_in_order) {
  for (auto size : sizes) {
    auto keys = sent(random_keys(size));
    std::vector<std::uint32_t> places(size);
    std::iota(places.begin(), places.end(), 0u);
    auto values = sent(places);
    std::stable_sort(places.begin(), places.end(),
        [&](auto a, auto b) { return keys.host()[a] < keys.host()[b]; });

    primitives::sort(gpu(), keys.at(gpu()), values.at(gpu()));

    EXPECT_EQ(values.fetched(gpu()), places);
    auto sorted = keys.host();
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(keys.fetched(gpu()), sorted);
  }
}

TEST_P(primitives_test, selects_what_is_above_in_order) {
  for (auto size : sizes)
    for (auto border : {-1, magnitude(2.0f), magnitude(4.0f)}) {
      auto values = sent(coarse_values(size));
      std::vector<std::uint32_t> places;
      std::vector<float> kept;
      for (std::size_t i = 0; i < size; ++i)
        if (magnitude(values.host()[i]) > border) {
          places.push_back(std::uint32_t(i));
          kept.push_back(values.host()[i]);
        }
      auto found = sent(std::vector<std::uint32_t>(places.size()));
      auto found_values = poison(places.size());

      primitives::select(gpu(), values.at(gpu()), border, found.at(gpu()),
          found_values.at(gpu()));

      EXPECT_EQ(found.fetched(gpu()), places);
      EXPECT_EQ(found_values.fetched(gpu()), kept);
    }
}

TEST_P(primitives_test, selects_the_first_on_the_border_too) {
  for (auto size : sizes)
    for (std::uint32_t equals : {0, 1, 40}) {
      const auto border = magnitude(3.0f);
      auto values = sent(coarse_values(size));
      auto names = sent(random_keys(size));
      std::vector<std::uint32_t> chosen;
      std::vector<float> kept;
      std::uint32_t on_it = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const auto here = magnitude(values.host()[i]);
        if (here > border || (here == border && on_it++ < equals)) {
          chosen.push_back(names.host()[i]);
          kept.push_back(values.host()[i]);
        }
      }
      auto found = sent(std::vector<std::uint32_t>(chosen.size()));
      auto found_values = poison(chosen.size());

      primitives::select_first(gpu(), names.at(gpu()), values.at(gpu()), border,
          equals, found.at(gpu()), found_values.at(gpu()));

      EXPECT_EQ(found.fetched(gpu()), chosen);
      EXPECT_EQ(found_values.fetched(gpu()), kept);
    }
}

TEST_P(primitives_test, goes_by_the_order_of_the_stream) {
  auto x = random(5000);
  auto later = poison(5000);

  gpu::copy<float>(gpu(), x.at(gpu()), later.at(gpu()));

  EXPECT_NEAR(
      primitives::sum(gpu(), later.at(gpu())), sum(host, x.at(host)), 1e-8);
}

TEST_P(primitives_test, refuses_to_be_recorded) {
  auto x = random(100);
  auto keys = sent(random_keys(100));
  gpu().synchronise();

  EXPECT_THROW(
      (gpu::recording{gpu(), [&] { primitives::sum(gpu(), x.at(gpu())); }}),
      std::runtime_error);
  EXPECT_THROW(
      (gpu::recording{gpu(),
          [&] { primitives::sort(gpu(), keys.at(gpu()), keys.at(gpu())); }}),
      std::runtime_error);
  EXPECT_NEAR(primitives::sum(gpu(), x.at(gpu())), sum(host, x.at(host)), 1e-8);
}

// Four values are one access only where both sides are aligned.
TEST_P(primitives_test, rounds_to_bf16_from_anywhere) {
  for (std::size_t from : {0, 1, 4})
    for (std::size_t to : {0, 1, 2, 4})
      for (std::size_t size : {1, 4, 5000}) {
        auto x = random(from + size);
        auto rounded = sent(std::vector<gpu::bf16>(to + size + 5));

        gpu::cuda::to_bf16(gpu(), x.at(gpu()).subspan(from),
            rounded.at(gpu()).subspan(to, size));

        const auto found = rounded.fetched(gpu());
        for (std::size_t i = 0; i < found.size(); ++i)
          ASSERT_EQ(found[i], i < to || i >= to + size
                                  ? gpu::bf16{}
                                  : gpu::to_bf16(x.host()[from + i - to]));
      }
}

TEST(even_blocks_test, share_the_work_in_as_few_rounds_as_can_be) {
  for (std::size_t rounds = 0; rounds < 300; ++rounds)
    for (std::size_t most = 1; most < 40; ++most) {
      const std::size_t blocks = gpu::cuda::even_blocks(rounds, most);

      ASSERT_GE(blocks, 1u);
      ASSERT_LE(blocks, most);
      const auto of_each = (rounds + blocks - 1) / blocks;
      ASSERT_EQ(of_each, (rounds + most - 1) / most) << rounds << ' ' << most;
      if (rounds > 0)
        ASSERT_LT((blocks - 1) * of_each, rounds) << "a block has nothing";
    }
}

} // namespace
} // namespace troupe::tests
