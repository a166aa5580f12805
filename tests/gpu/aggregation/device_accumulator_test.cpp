#include "gpu/aggregation/device_accumulator.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/aggregation/on_device.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;
using gpu::accumulator;
using gpu::admission;
using gpu::contribution;
using gpu::receipt;

constexpr auto sizes = {0, 1, 7, 2048, 2049, 100003};

class device_accumulator_test : public on_device {
protected:
  // Updates in the device's memory, and on the host for the oracle.
  struct cohort {
    cohort(on_device& test, std::vector<std::vector<float>> values,
        std::uint64_t seed)
        : host(std::move(values)), sent(test, host) {
      auto random = gpu::random_stream{seed, gpu::stream::user, 5};
      for (auto span : sent.spans)
        items.push_back({span, random.uniform() / 8, random.uniform() / 8});
    }
    std::vector<std::vector<float>> host;
    sent_updates sent;
    std::vector<contribution> items;
  };

  // What the host's own accumulator says and sums.
  static std::vector<receipt> oracle(
      accumulator& sums, const cohort& of, std::size_t first = 0) {
    std::vector<receipt> said;
    for (auto i = first; i < of.items.size(); ++i)
      said.push_back(
          sums.add(of.host[i], of.items[i].weight, of.items[i].share));
    return said;
  }

  void expect_same(
      const accumulator& expected, const gpu::device_accumulator& sums) {
    EXPECT_TRUE(sums.save(on) == expected);
    EXPECT_EQ(sums.contributions(), expected.contributions());
    EXPECT_EQ(sums.weight(), expected.weight());
    EXPECT_EQ(sums.share(), expected.share());
    EXPECT_EQ(sums.reach(), expected.reach());
    EXPECT_EQ(sums.checksum(on), expected.checksum());
  }
};

TEST_P(device_accumulator_test, has_the_hosts_bits_and_says_what_it_says) {
  for (std::size_t size : sizes) {
    auto members = size > 5000 ? 6u : 40u;
    auto parts = cohort(*this, random_updates(members, size, size), size);
    auto expected = accumulator(size);
    auto sums = gpu::device_accumulator(on, size);

    auto said = sums.add(on, parts.items);

    EXPECT_EQ(said, oracle(expected, parts)) << size;
    expect_same(expected, sums);
  }
}

TEST_P(device_accumulator_test, ignores_the_order_and_the_batches) {
  constexpr std::size_t size = 3001;
  auto parts = cohort(*this, random_updates(30, size, 1), 1);
  auto expected = accumulator(size);
  oracle(expected, parts);
  auto random = gpu::random_stream{2, gpu::stream::user};
  for (int round = 0; round < 5; ++round) {
    auto sums = gpu::device_accumulator(on, size);
    auto order = parts.items;
    for (auto left = order.size(); left > 1; --left)
      std::swap(order[left - 1],
          order[random.below(static_cast<std::uint32_t>(left))]);

    for (std::size_t first = 0; first < order.size();) {
      auto count = std::min<std::size_t>(order.size() - first, random.below(9));
      sums.add(on, std::span{order}.subspan(first, count));
      first += count;
    }

    expect_same(expected, sums);
  }
}

// Where a range begins decides where its blocks end.
TEST_P(device_accumulator_test, sums_checksums_as_the_host_does_in_any_range) {
  for (std::size_t first : {1, 2047, 2048, 100'003})
    for (std::size_t size : {1, 255, 2047, 2048, 2049, 7001}) {
      auto parts = cohort(*this, random_updates(3, size, 12), 12);
      auto expected = accumulator(size, first);
      auto sums = gpu::device_accumulator(on, size, first);

      auto said = sums.add(on, parts.items);

      EXPECT_EQ(said, oracle(expected, parts)) << first << ", " << size;
      expect_same(expected, sums);
    }
}

TEST_P(device_accumulator_test, takes_more_than_one_pass_can) {
  auto parts = cohort(*this, random_updates(300, 11, 8), 8);
  auto expected = accumulator(11);
  auto sums = gpu::device_accumulator(on, 11);

  auto said = sums.add(on, parts.items);

  EXPECT_EQ(said, oracle(expected, parts));
  expect_same(expected, sums);
}

TEST_P(device_accumulator_test, takes_back_what_it_refuses) {
  for (std::size_t size : {1, 7, 2048, 2049, 9001}) {
    auto values = random_updates(20, size, 3);
    auto random = gpu::random_stream{size, gpu::stream::user, 3};
    auto place = [&] { return random.below(static_cast<std::uint32_t>(size)); };
    values[2][place()] = not_a_number;
    values[5][place()] = -infinity;
    values[6][place()] = 3e38f;
    values[6][place()] = -not_a_number;
    values[9][place()] = -1e6f;
    auto parts = cohort(*this, values, size);
    parts.items[11].weight = -1.0;
    parts.items[12].share = 4096.0;
    parts.items[13].weight = std::numeric_limits<double>::quiet_NaN();
    parts.items[14].weight = 4095.9;
    parts.items[15].share = 4095.9;
    auto expected = accumulator(size);
    auto sums = gpu::device_accumulator(on, size);

    auto said = sums.add(on, parts.items);

    EXPECT_EQ(said, oracle(expected, parts)) << size;
    EXPECT_EQ(said[2], admission::not_finite);
    EXPECT_EQ(said[12], admission::bad_weight);
    expect_same(expected, sums);
  }
}

TEST_P(device_accumulator_test, names_nan_behind_a_value_out_of_range) {
  auto values = random_updates(1, 5000, 4);
  values[0][0] = 3e38f;
  values[0][4999] = not_a_number;
  auto parts = cohort(*this, values, 4);
  auto sums = gpu::device_accumulator(on, 5000);

  EXPECT_EQ(
      sums.add(on, parts.items), std::vector{receipt{admission::not_finite}});

  expect_same(accumulator(5000), sums);
}

TEST_P(device_accumulator_test, judges_reach_in_the_order_given) {
  auto values = std::vector<std::vector<float>>(
      50, std::vector<float>{0x1.fp40f, -0x1.fp40f});
  values[20] = {0x1p38f, 1.0f};
  values[49] = {0.0f, -0x1p38f};
  auto parts = cohort(*this, values, 0);
  for (auto& each : parts.items)
    each.weight = each.share = 0x1p-31; // products of 992, an end at 2^22
  auto expected = accumulator(2);
  for (int round = 0; round < 86; ++round)
    oracle(expected, parts);
  auto sums = gpu::device_accumulator(on, 2);
  sums.merge(on, expected);

  std::vector<receipt> said(1);
  for (int round = 0; said.front() == admission::added; ++round) {
    said = sums.add(on, parts.items);
    ASSERT_EQ(said, oracle(expected, parts)) << round;
    ASSERT_LT(round, 10);
  }

  EXPECT_EQ(std::count(said.begin(), said.end(), admission::out_of_range), 48);
  expect_same(expected, sums);
}

TEST_P(device_accumulator_test, refuses_weights_that_only_together_are_bad) {
  auto parts = cohort(*this, {4, std::vector<float>(9, 0.125f)}, 5);
  for (auto& each : parts.items)
    each.weight = each.share = 2047.0;
  parts.items[2].weight = 1.0;
  auto expected = accumulator(9);
  auto sums = gpu::device_accumulator(on, 9);

  auto said = sums.add(on, parts.items);

  EXPECT_EQ(said, oracle(expected, parts));
  EXPECT_EQ(said[3], admission::bad_weight);
  expect_same(expected, sums);
}

TEST_P(device_accumulator_test, refuses_a_wrong_size_by_name) {
  auto parts = cohort(*this, random_updates(3, 9, 5), 5);
  parts.items[1].values = parts.items[1].values.first(8);
  auto sums = gpu::device_accumulator(on, 9);

  auto said = sums.add(on, parts.items);

  EXPECT_EQ(said[0], admission::added);
  EXPECT_EQ(said[1], admission::wrong_size);
  EXPECT_EQ(said[2], admission::added);
  EXPECT_EQ(sums.merge(on, accumulator(8)), admission::wrong_size);
  EXPECT_EQ(sums.contributions(), 2u);
}

TEST_P(device_accumulator_test, publishes_the_hosts_bits) {
  for (std::size_t size : sizes) {
    auto parts = cohort(*this, random_updates(5, size, 6), 6);
    auto base = random_values(size, 60);
    auto expected = accumulator(size);
    oracle(expected, parts);
    auto sums = gpu::device_accumulator(on, size);
    sums.add(on, parts.items);
    std::vector<float> published(size);
    auto given = sent(base);
    auto out = poisoned(size);

    expected.publish(base, 0.7, published);
    sums.publish(on, given.span(), 0.7, out.span());

    EXPECT_EQ(bits(fetched(out.span())), bits(published)) << size;
    sums.publish(on, given.span(), 0.7, given.span());
    EXPECT_EQ(bits(fetched(given.span())), bits(published)) << size;
  }
}

TEST_P(device_accumulator_test, averages_as_the_host_does) {
  auto parts = cohort(*this, random_updates(5, 777, 7), 7);
  auto expected = accumulator(777);
  oracle(expected, parts);
  auto sums = gpu::device_accumulator(on, 777);
  sums.add(on, parts.items);
  std::vector<double> mean(777);
  auto out = poisoned(777);

  expected.average(mean);
  sums.average(on, out.span());

  EXPECT_EQ(fetched(out.span()), std::vector<float>(mean.begin(), mean.end()));
}

TEST_P(device_accumulator_test, merges_what_a_host_has_summed) {
  for (std::size_t size : sizes) {
    auto parts = cohort(*this, random_updates(8, size, 9), 9);
    auto expected = accumulator(size);
    auto theirs = accumulator(size);
    oracle(expected, parts);
    oracle(theirs, parts, 3);
    auto sums = gpu::device_accumulator(on, size);
    sums.add(on, std::span{parts.items}.first(3));

    EXPECT_EQ(sums.merge(on, theirs), admission::added);

    expect_same(expected, sums);
  }
}

TEST_P(device_accumulator_test, refuses_a_merge_and_changes_nothing) {
  auto heavy = accumulator(1);
  heavy.add(std::vector{0.1f}, 4000.0);
  auto sums = gpu::device_accumulator(on, 1);
  ASSERT_EQ(sums.merge(on, heavy), admission::added);

  EXPECT_EQ(sums.merge(on, heavy), admission::bad_weight);

  expect_same(heavy, sums);
}

TEST_P(device_accumulator_test, forgets_everything_when_cleared) {
  auto parts = cohort(*this, random_updates(3, 100, 2), 2);
  auto sums = gpu::device_accumulator(on, 100);
  sums.add(on, parts.items);

  sums.clear(on);

  expect_same(accumulator(100), sums);
}

TROUPE_ON_EVERY_DEVICE(device_accumulator_test);

} // namespace
