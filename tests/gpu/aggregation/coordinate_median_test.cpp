#include "gpu/aggregation/coordinate_median.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/aggregation/on_device.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;

// One and two, the borders of powers of two, and the most there may be.
constexpr auto cohorts = {
    1, 2, 3, 4, 5, 8, 9, 16, 17, 31, 33, 64, 65, 127, 128, 129, 200, 256};

class coordinate_median_test : public on_device {
protected:
  std::vector<float> median_of(const std::vector<std::vector<float>>& host) {
    auto updates = sent_updates(*this, host);
    auto out = poisoned(host[0].size());
    gpu::coordinate_median(on, updates.spans, out.span());
    return fetched(out.span());
  }
  std::vector<float> trimmed(
      const std::vector<std::vector<float>>& host, std::size_t cut) {
    auto updates = sent_updates(*this, host);
    auto out = poisoned(host[0].size());
    gpu::trimmed_mean(on, updates.spans, cut, out.span());
    return fetched(out.span());
  }
};

// Plainly: sort, cut, average.
std::vector<float> reference(
    const std::vector<std::vector<float>>& host, std::size_t cut) {
  std::vector<float> result;
  for (std::size_t i = 0; i < host[0].size(); ++i) {
    std::vector<float> column;
    for (const auto& each : host)
      column.push_back(each[i]);
    std::sort(column.begin(), column.end());
    double sum = 0.0;
    for (auto j = cut; j < column.size() - cut; ++j)
      sum += column[j];
    result.push_back(
        static_cast<float>(sum / static_cast<double>(column.size() - 2 * cut)));
  }
  return result;
}

TEST_P(coordinate_median_test, is_the_middle_of_any_cohort) {
  for (std::size_t members : cohorts) {
    auto host = random_updates(members, members > 128 ? 37 : 301, members);

    EXPECT_EQ(median_of(host), reference(host, (members - 1) / 2)) << members;
  }
}

TEST_P(coordinate_median_test, of_all_sizes) {
  for (std::size_t size : {0, 1, 7, 255, 257, 2049}) {
    auto host = random_updates(5, size, size);
    EXPECT_EQ(median_of(host), reference(host, 2)) << size;
  }
}

TEST_P(coordinate_median_test, ignores_a_minority_of_liars) {
  auto host = random_updates(9, 100, 7);
  auto honest = host[0];
  for (std::size_t i = 1; i < 5; ++i)
    host[i] = honest;
  for (std::size_t i = 5; i < 9; ++i)
    host[i].assign(100, i % 2 ? infinity : not_a_number);

  EXPECT_EQ(bits(median_of(host)), bits(honest));
}

TEST_P(coordinate_median_test, keeps_the_order_of_special_values) {
  // Columns: NaN is above infinity, -0 below 0, -infinity + infinity is NaN.
  auto host = std::vector<std::vector<float>>{
      {not_a_number, -0.0f, infinity, -not_a_number, 0.0f},
      {infinity, 0.0f, -infinity, not_a_number, -0.0f},
      {1.0f, -0.0f, infinity, 1.0f, 0.0f},
      {infinity, -0.0f, -infinity, 2.0f, -0.0f}};
  auto expected =
      std::vector<float>{infinity, -0.0f, not_a_number, not_a_number, 0.0f};

  EXPECT_EQ(bits(median_of(host)), bits(expected));
  EXPECT_EQ(bits(trimmed(host, 1)), bits(expected));
  host.resize(3);
  EXPECT_EQ(bits(median_of(host)),
      bits(std::vector<float>{infinity, -0.0f, infinity, not_a_number, 0.0f}));
}

TEST_P(coordinate_median_test, trims_both_ends_of_any_cohort) {
  for (std::size_t members : cohorts)
    for (auto cut : {std::size_t{0}, members / 5, (members - 1) / 2}) {
      auto host = random_updates(members, members > 128 ? 33 : 129, members);

      EXPECT_EQ(trimmed(host, cut), reference(host, cut))
          << members << " without " << cut;
    }
}

TEST_P(coordinate_median_test, has_the_hosts_bits_whatever_comes) {
  auto random = gpu::random_stream{5, gpu::stream::user};
  for (std::size_t members : {6, 13, 140}) {
    auto host = random_updates(members, 99, members);
    for (auto& each : host)
      for (auto& value : each) {
        constexpr float specials[] = {
            not_a_number, -not_a_number, infinity, -infinity, -0.0f, 0.0f};
        if (auto drawn = random.below(12); drawn < 6)
          value = specials[drawn];
      }
    auto spans = std::vector<std::span<const float>>(host.begin(), host.end());
    auto cpu = gpu::device_stream{};
    std::vector<float> middle(99), rest(99);
    gpu::coordinate_median(cpu, spans, middle);
    gpu::trimmed_mean(cpu, spans, members / 3, rest);

    EXPECT_EQ(bits(median_of(host)), bits(middle));
    EXPECT_EQ(bits(trimmed(host, members / 3)), bits(rest));
  }
}

TEST_P(coordinate_median_test, refuses_what_it_cannot_take) {
  auto host = random_updates(3, 5, 1);
  auto updates = sent_updates(*this, host);
  auto out = poisoned(5);
  auto many = std::vector<std::span<const float>>(257, updates.spans[0]);

  EXPECT_THROW(
      gpu::coordinate_median(on, many, out.span()), std::invalid_argument);
  EXPECT_THROW(
      gpu::coordinate_median(on, {}, out.span()), std::invalid_argument);
  EXPECT_THROW(gpu::coordinate_median(on, updates.spans, out.span().first(4)),
      std::invalid_argument);
  EXPECT_THROW(gpu::trimmed_mean(on, updates.spans, 2, out.span()),
      std::invalid_argument);
  updates.spans[1] = updates.spans[1].first(4);
  EXPECT_THROW(gpu::trimmed_mean(on, updates.spans, 1, out.span()),
      std::invalid_argument);
}

TROUPE_ON_EVERY_DEVICE(coordinate_median_test);

} // namespace
