#include "gpu/aggregation/quantise.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/aggregation/on_device.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;
using gpu::quantiser;
using kind = quantiser::norm_kind;

gpu::random_blocks drawn_from(std::uint64_t client, std::uint64_t version = 0) {
  return gpu::random_stream{7, gpu::stream::quantise, client, version}.blocks();
}

struct message {
  std::vector<std::int8_t> levels;
  std::vector<float> norms;
};

class quantise_test : public on_device {
protected:
  // A buffer of poison that holds `count` bytes.
  gpu::buffer room(std::size_t count) { return poisoned((count + 3) / 4); }
  static std::span<std::int8_t> bytes(gpu::buffer& of, std::size_t count) {
    return {reinterpret_cast<std::int8_t*>(of.span().data()), count};
  }

  message quantised(const quantiser& how, const std::vector<float>& host,
      const gpu::random_blocks& random) {
    auto values = sent(host);
    auto held = room(host.size());
    auto levels = bytes(held, host.size());
    auto norms = poisoned(how.buckets(host.size()));
    gpu::stochastic_quantise(
        on, how, random, values.span(), levels, norms.span());
    auto result =
        message{std::vector<std::int8_t>(host.size()), fetched(norms.span())};
    gpu::copy(on, levels, std::span{result.levels});
    on.synchronise();
    return result;
  }

  std::vector<float> back(const quantiser& how, const message& from) {
    auto norms = sent(from.norms);
    auto held = room(from.levels.size());
    auto levels = bytes(held, from.levels.size());
    gpu::copy(on, from.levels, levels);
    auto out = poisoned(from.levels.size());
    gpu::dequantise(on, how, levels, norms.span(), out.span());
    return fetched(out.span());
  }
};

const auto quantisers = std::vector<quantiser>{{127, 512, kind::euclidean},
    {4, 7, kind::largest}, {1, 1, kind::euclidean}, {16, 130, kind::largest},
    {100, 4096, kind::euclidean}};

TEST_P(quantise_test, has_the_hosts_bytes) {
  for (const auto& how : quantisers)
    for (std::size_t size : {0, 1, 7, 511, 513, 10007}) {
      auto host = random_values(size, size);
      auto cpu = gpu::device_stream{};
      auto expected = message{std::vector<std::int8_t>(size),
          std::vector<float>(how.buckets(size))};
      gpu::stochastic_quantise(
          cpu, how, drawn_from(3), host, expected.levels, expected.norms);
      std::vector<float> values(size);
      gpu::dequantise(cpu, how, expected.levels, expected.norms, values);

      auto found = quantised(how, host, drawn_from(3));

      EXPECT_EQ(found.levels, expected.levels) << size;
      EXPECT_EQ(bits(found.norms), bits(expected.norms)) << size;
      EXPECT_EQ(bits(back(how, found)), bits(values)) << size;
    }
}

TEST_P(quantise_test, stays_within_a_level_of_each_value) {
  for (const auto& how : quantisers) {
    auto host = random_values(3001, 1);
    auto found = quantised(how, host, drawn_from(1));
    auto values = back(how, found);
    for (std::size_t i = 0; i < host.size(); ++i) {
      auto step = double(found.norms[i / how.bucket]) / how.levels;
      ASSERT_LE(std::abs(double(values[i]) - host[i]), step * (1 + 1e-6)) << i;
      ASSERT_LE(std::abs(int{found.levels[i]}), int(how.levels));
      ASSERT_GE(values[i] * host[i], 0.0f); // never the other sign
    }
  }
}

// The mean over many versions is off by a normal of deviation step / 2 /
// sqrt(versions) at most: six of these are never seen.
TEST_P(quantise_test, is_unbiased) {
  constexpr int versions = 400;
  auto how = quantiser{4, 64, kind::euclidean};
  auto host = random_values(500, 2);
  std::vector<double> sums(host.size());
  message found;
  for (int version = 0; version < versions; ++version) {
    found = quantised(how, host, drawn_from(9, std::uint64_t(version)));
    auto values = back(how, found);
    for (std::size_t i = 0; i < host.size(); ++i)
      sums[i] += values[i];
  }
  for (std::size_t i = 0; i < host.size(); ++i) {
    auto step = double(found.norms[i / how.bucket]) / how.levels;
    EXPECT_NEAR(sums[i] / versions, host[i],
        6.0 * step / 2.0 / std::sqrt(double(versions)))
        << i;
  }
}

TEST_P(quantise_test, draws_other_numbers_for_each_client_and_version) {
  auto how = quantiser{.levels = 3};
  auto host = random_values(2000, 3);

  auto one = quantised(how, host, drawn_from(1, 1)).levels;

  EXPECT_EQ(quantised(how, host, drawn_from(1, 1)).levels, one);
  EXPECT_NE(quantised(how, host, drawn_from(1, 2)).levels, one);
  EXPECT_NE(quantised(how, host, drawn_from(2, 1)).levels, one);
}

TEST_P(quantise_test, keeps_zeros_and_what_lies_on_a_level) {
  auto how = quantiser{4, 5, kind::largest};
  auto host = std::vector<float>{0, -1, 0.5f, 0.25f, -0.75f, 0, -0.0f, 0, 0, 0};

  auto found = quantised(how, host, drawn_from(1));

  EXPECT_EQ(
      found.levels, (std::vector<std::int8_t>{0, -4, 2, 1, -3, 0, 0, 0, 0, 0}));
  EXPECT_EQ(found.norms, (std::vector<float>{1.0f, 0.0f}));
  EXPECT_EQ(back(how, found), host);
}

TEST_P(quantise_test, spoils_a_bucket_that_is_not_finite_and_no_other) {
  for (auto norm : {kind::euclidean, kind::largest}) {
    auto how = quantiser{127, 100, norm};
    auto host = random_values(400, 4);
    host[150] = not_a_number;
    host[399] = -infinity;

    auto found = quantised(how, host, drawn_from(1));
    auto values = back(how, found);

    for (std::size_t i = 0; i < 400; ++i)
      EXPECT_EQ(std::isnan(values[i]), i / 100 == 1 || i / 100 == 3) << i;
  }
}

TEST_P(quantise_test, spoils_a_bucket_whose_norm_is_no_float) {
  auto found = quantised(quantiser{}, {3e38f, 3e38f}, drawn_from(1));

  EXPECT_TRUE(std::isnan(found.norms[0]));
  EXPECT_EQ(found.levels, (std::vector<std::int8_t>{0, 0}));
}

TEST_P(quantise_test, copes_with_the_smallest_values) {
  auto how = quantiser{127, 8, kind::largest};
  auto host = std::vector<float>{1e-45f, -1e-45f, 0.0f};

  EXPECT_EQ(back(how, quantised(how, host, drawn_from(1))), host);
}

TROUPE_ON_EVERY_DEVICE(quantise_test);

TEST(random_blocks_test, are_those_that_a_stream_goes_through) {
  auto stream = gpu::random_stream{1, gpu::stream::quantise, 2, 3};
  auto blocks = stream.blocks();
  for (std::uint64_t number = 0; number < 10; ++number)
    for (auto word : blocks[number])
      EXPECT_EQ(stream.next(), word);
}

} // namespace
