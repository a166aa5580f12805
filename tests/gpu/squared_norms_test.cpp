#include "gpu/optimisers/squared_norms.hpp"

#include "tests/gpu/aggregation/on_device.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troupe::gpu {
namespace {

using tests::bits;
using tests::random_values;

/// Tensors of all kinds of sizes: whole tiles, less than one, none.
layout some_tensors() {
  layout views;
  append(views, "a", {3, 1024});
  append(views, "b", {7});
  append(views, "c", {2500});
  append(views, "d", {0});
  append(views, "e", {1});
  append(views, "f", {1023});
  return views;
}

/// All places between tiles.
std::vector<std::size_t> borders_of(const layout& views) {
  std::vector<std::size_t> result;
  for (const auto& view : views)
    for (std::size_t i = 0; i < view.size(); i += tile_values)
      result.push_back(view.offset + i);
  result.push_back(size(views));
  return result;
}

range between(const std::vector<std::size_t>& borders, std::size_t first,
    std::size_t last) {
  return {borders[first], borders[last] - borders[first]};
}

class squared_norms_test : public tests::on_device {
protected:
  std::vector<double> norms(
      const layout& views, const range& of, std::span<const float> values) {
    std::vector<double> result(tiles_within(views, of).size, -1.0);
    const auto there = sent(of.of(values));
    squared_norms(on, views, of, there.span(), result);
    return result;
  }
};

TROUPE_ON_EVERY_DEVICE(squared_norms_test);

TEST_P(squared_norms_test, are_sums_over_tiles_of_one_tensor_each) {
  const auto views = some_tensors();
  const auto values = random_values(size(views), 1);
  const auto borders = borders_of(views);

  const auto sums = norms(views, {0, values.size()}, values);

  ASSERT_EQ(sums.size(), 9u);
  ASSERT_EQ(tiles_of(views), 9u);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    auto expected = 0.0;
    for (auto at = borders[i]; at < borders[i + 1]; ++at)
      expected += double(values[at]) * double(values[at]);
    EXPECT_NEAR(sums[i], expected, 1e-12 * expected);
  }
}

/// How many ranges between tiles have other sums than the whole block there.
template <class Norms>
int ranges_apart(const layout& views, Norms norms_of) {
  const auto borders = borders_of(views);
  const auto whole = norms_of(range{0, size(views)});
  int result = 0;
  for (std::size_t first = 0; first < borders.size(); ++first)
    for (auto last = first; last < borders.size(); ++last) {
      const auto part = between(borders, first, last);
      result += !std::ranges::equal(
          norms_of(part), range{first, last - first}.of(std::span{whole}));
    }
  return result;
}

TEST_P(squared_norms_test, are_the_same_wherever_a_block_is_cut) {
  const auto views = some_tensors();
  const auto values = random_values(size(views), 2);
  const auto tiles_from_the_ranges_start = [&](const range& of) {
    layout one;
    append(one, "range", {of.size});
    auto result = norms(one, {0, of.size}, of.of(std::span{values}));
    result.resize(tiles_within(views, of).size);
    return result;
  };

  EXPECT_EQ(ranges_apart(views,
                [&](const range& of) { return norms(views, of, values); }),
      0);
  EXPECT_GT(ranges_apart(views, tiles_from_the_ranges_start), 0);
}

TEST_P(squared_norms_test, have_the_bits_of_the_cpu) {
  const auto views = some_tensors();
  const auto values = random_values(size(views), 2);
  std::vector<double> expected(tiles_of(views));
  device_stream host;
  squared_norms(host, views, {0, values.size()}, values, expected);

  EXPECT_EQ(norms(views, {0, values.size()}, values), expected);
}

TEST_P(squared_norms_test, say_when_values_are_not_finite) {
  const auto views = some_tensors();
  auto values = random_values(size(views), 3);
  values[2000] = tests::infinity;
  values[4000] = tests::not_a_number;

  const auto sums = norms(views, {0, values.size()}, values);

  EXPECT_EQ(sums[1], std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(sums[4]));
  EXPECT_TRUE(std::isnan(sum_in_order(sums)));
  EXPECT_TRUE(std::isfinite(sums[0]));
}

TEST(tiles_test, blocks_are_cut_between_them_as_evenly_as_they_allow) {
  const auto views = some_tensors();
  const auto borders = borders_of(views);
  for (std::size_t parts : {1, 2, 3, 4, 7, 20}) {
    const auto cuts = cut_between_tiles(views, parts);

    ASSERT_EQ(cuts.size(), parts);
    std::size_t at = 0;
    for (std::size_t i = 0; i < parts; ++i) {
      EXPECT_EQ(cuts[i].first, at);
      at += cuts[i].size;
      EXPECT_TRUE(std::ranges::count(borders, at) > 0) << at;
      const auto even = range_of(i, parts, size(views));
      const auto away = [&](std::size_t border) {
        return std::abs(double(border) - double(even.first + even.size));
      };
      for (auto border : borders)
        EXPECT_LE(away(at), away(border)) << parts << " parts, " << i;
    }
    EXPECT_EQ(at, size(views));
  }
}

TEST(tiles_test, nothing_has_none) {
  EXPECT_EQ(tiles_of({}), 0u);
  EXPECT_EQ(cut_between_tiles({}, 2), (std::vector<range>{{0, 0}, {0, 0}}));
  EXPECT_EQ(tiles_within({}, {0, 0}), (range{0, 0}));
}

TEST(clip_scale_test, shortens_long_gradients_to_the_norm) {
  EXPECT_EQ(clip_scale(25.0, 10.0f), 1.0f);
  EXPECT_EQ(clip_scale(25.0, 0.0f), 1.0f);
  EXPECT_FLOAT_EQ(clip_scale(25.0, 2.5f), float(2.5 / (5.0 + 1e-6)));
  EXPECT_EQ(clip_scale(0.0, 1.0f), 1.0f);
  EXPECT_TRUE(
      std::isnan(clip_scale(std::numeric_limits<double>::quiet_NaN(), 1.0f)));
}

} // namespace
} // namespace troupe::gpu
