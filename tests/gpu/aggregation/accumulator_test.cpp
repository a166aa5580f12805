#include "gpu/aggregation/accumulator.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/random.hpp"

namespace {

using namespace troupe;
using gpu::accumulator;
using gpu::admission;

constexpr auto nan = std::numeric_limits<float>::quiet_NaN();
constexpr auto infinity = std::numeric_limits<float>::infinity();

struct contribution {
  std::vector<float> values;
  double weight = 0.0;
};

// Values of many magnitudes, weights that sum to about 1.
std::vector<contribution> cohort(
    std::size_t members, std::size_t size, std::uint64_t seed) {
  auto random = gpu::random_stream{seed, gpu::stream::user};
  std::vector<contribution> result(members);
  for (auto& [values, weight] : result) {
    weight = gpu::on_weight_grid(
        (0.5 + random.uniform()) / static_cast<double>(members));
    values.resize(size);
    for (auto& value : values)
      value = static_cast<float>(
          std::ldexp(random.normal(), static_cast<int>(random.below(12)) - 6));
  }
  return result;
}

template <class Sum>
Sum sum_of(const std::vector<contribution>& parts) {
  auto sum = Sum(parts.front().values.size());
  for (const auto& part : parts)
    sum.add(part.values, part.weight);
  return sum;
}

// The property: neither order nor grouping changes the sum.
template <class Sum>
bool ignores_order(std::uint64_t seed) {
  auto parts = cohort(50, 257, seed);
  auto forwards = sum_of<Sum>(parts);
  auto random = gpu::random_stream{seed, gpu::stream::user, 1};
  std::vector<std::uint32_t> order(parts.size());
  std::iota(order.begin(), order.end(), 0u);
  random.shuffle(order);
  auto left = Sum(257);
  auto right = Sum(257);
  for (auto i : order) {
    auto& side = random.below(2) ? left : right;
    side.add(parts[i].values, parts[i].weight);
  }
  right.merge(left);
  return right == forwards;
}

// A broken twin: sums in double, as one would at first.
struct double_sums {
  explicit double_sums(std::size_t size) : sums(size) {}
  void add(std::span<const float> values, double weight) {
    for (std::size_t i = 0; i < values.size(); ++i)
      sums[i] += weight * static_cast<double>(values[i]);
  }
  void merge(const double_sums& other) {
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] += other.sums[i];
  }
  bool operator==(const double_sums&) const = default;
  std::vector<double> sums;
};

TEST(accumulator_test, ignores_order_and_grouping) {
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_TRUE(ignores_order<accumulator>(seed)) << "seed " << seed;
}

TEST(accumulator_test, would_notice_sums_that_depend_on_order) {
  EXPECT_FALSE(ignores_order<double_sums>(0));
}

// The property: what a hundred contributions sum to is off by this at most.
template <class Sum>
long double worst_error(std::uint64_t seed) {
  auto parts = cohort(100, 311, seed);
  auto sums = sum_of<Sum>(parts);
  std::vector<double> mean(311);
  sums.average(mean);
  long double worst = 0.0L;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    long double exact = 0.0L;
    for (const auto& part : parts)
      exact += static_cast<long double>(part.weight) * part.values[i];
    auto sum = static_cast<long double>(mean[i]) * sums.share();
    worst = std::max(worst, std::abs(sum - exact));
  }
  return worst;
}

// A broken twin: rounds each product to a float.
struct float_products : double_sums {
  using double_sums::double_sums;
  void add(std::span<const float> values, double weight) {
    total += weight;
    for (std::size_t i = 0; i < values.size(); ++i)
      sums[i] += static_cast<float>(weight * static_cast<double>(values[i]));
  }
  void average(std::span<double> out) const {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = sums[i] / total;
  }
  double share() const { return total; }
  double total = 0.0;
};

TEST(accumulator_test, errs_less_than_2_to_the_minus_41_a_contribution) {
  for (std::uint64_t seed = 0; seed < 5; ++seed)
    EXPECT_LE(worst_error<accumulator>(seed), 100 * 0x1p-41L);
}

TEST(accumulator_test, would_notice_products_that_are_rounded_to_floats) {
  EXPECT_GT(worst_error<float_products>(0), 100 * 0x1p-41L);
}

TEST(accumulator_test, rounds_ties_to_even) {
  auto sums = accumulator(4);

  sums.add(std::vector{0x1p-42f, 0x3p-42f, -0x1p-42f, -0x3p-42f}, 1.0);
  std::vector<double> mean(4);
  sums.average(mean);

  EXPECT_EQ(mean, (std::vector{0.0, 0x1p-40, 0.0, -0x1p-40}));
}

TEST(accumulator_test, takes_weights_and_shares_apart) {
  auto sums = accumulator(1);

  sums.add(std::vector{4.0f}, 0.25, 0.5);
  sums.add(std::vector{8.0f}, 0.25, 0.5);
  std::vector<double> mean(1);
  sums.average(mean);

  EXPECT_EQ(sums.weight(), 0.5);
  EXPECT_EQ(sums.share(), 1.0);
  EXPECT_EQ(sums.reach(), 3.0);
  EXPECT_EQ(sums.contributions(), 2u);
  EXPECT_EQ(mean[0], 3.0);
}

TEST(accumulator_test, publishes_base_plus_average_rounded_once) {
  auto sums = accumulator(2);
  sums.add(std::vector{0x1p-24f, 1.0f}, 1.0);
  std::vector<float> base{1.0f, 2.0f};

  sums.publish(base, 1.5, base);

  EXPECT_EQ(base[0], 1.0f + 0x1p-23f); // 1 + 1.5 x 2^-24, to nearest
  EXPECT_EQ(base[1], 3.5f);
}

TEST(accumulator_test, gives_one_contributions_values_back) {
  auto parts = cohort(1, 5000, 3);
  auto sums = accumulator(5000);
  sums.add(parts[0].values, 1.0);

  std::vector<double> mean(5000);
  sums.average(mean);

  for (std::size_t i = 0; i < mean.size(); ++i)
    EXPECT_LE(std::abs(mean[i] - double{parts[0].values[i]}), 0x1p-41);
}

// Refusals, at each border of the blocks in which contributions are added.
class refusal : public testing::TestWithParam<std::size_t> {
protected:
  static constexpr std::size_t size = 3 * 2048 + 100;

  void SetUp() override {
    for (const auto& part : cohort(3, size, 9))
      ASSERT_EQ(sums.add(part.values, part.weight), admission::added);
  }

  // What `add` says when `value` stands among ordinary ones.
  admission said_to(float value, double weight) {
    auto values = cohort(1, size, 10)[0].values;
    values[GetParam()] = value;
    return sums.add(values, weight).said;
  }

  accumulator sums{size};
};

TEST_P(refusal, names_nan_and_changes_nothing) {
  auto before = sums;

  EXPECT_EQ(said_to(nan, 0.5), admission::not_finite);
  EXPECT_EQ(said_to(-nan, 0.0), admission::not_finite);

  EXPECT_EQ(sums, before);
}

TEST_P(refusal, names_infinity_and_changes_nothing) {
  auto before = sums;

  EXPECT_EQ(said_to(infinity, 0.5), admission::not_finite);
  EXPECT_EQ(said_to(-infinity, 0.0), admission::not_finite);

  EXPECT_EQ(sums, before);
}

TEST_P(refusal, names_values_out_of_range_and_changes_nothing) {
  auto before = sums;

  EXPECT_EQ(said_to(2048.0f, 0.5), admission::out_of_range);
  EXPECT_EQ(said_to(-2048.0f, 0.5), admission::out_of_range);
  EXPECT_EQ(said_to(3e38f, 4000.0), admission::out_of_range);

  EXPECT_EQ(sums, before);
}

TEST_P(refusal, admits_the_largest_value_in_range) {
  EXPECT_EQ(said_to(std::nextafter(2048.0f, 0.0f), 0.5), admission::added);
  EXPECT_EQ(said_to(std::nextafter(-2048.0f, 0.0f), 0.5), admission::added);
}

INSTANTIATE_TEST_SUITE_P(borders, refusal,
    testing::Values(0, 1, 2047, 2048, 4095, 4096, 6143, 6144, 6243));

// By weight and value alone, whatever else has been added.
TEST(accumulator_test, refuses_nothing_that_is_admissible) {
  for (auto clients : {1, 2, 10, 1000, 40'000}) {
    const auto weight = gpu::on_weight_grid(1.0 / clients);
    const std::vector value{
        static_cast<float>(gpu::most_admissible(weight) * (1.0 - 0x1p-23))};
    auto sums = accumulator(1);
    for (int i = 0; i < clients; ++i)
      ASSERT_EQ(sums.add(value, weight), admission::added) << clients;
  }
  EXPECT_EQ(gpu::most_admissible(0.0), 0x1p21);
  EXPECT_LT(gpu::most_admissible(0.5), 2048.0);
}

TEST(accumulator_test, refuses_a_wrong_size_by_name) {
  auto sums = accumulator(3);

  EXPECT_EQ(sums.add(std::vector{1.0f, 2.0f}, 1.0), admission::wrong_size);
  EXPECT_EQ(sums.merge(accumulator(4)), admission::wrong_size);

  EXPECT_EQ(sums, accumulator(3));
}

TEST(accumulator_test, refuses_bad_weights_by_name) {
  auto sums = accumulator(1);
  auto value = std::vector{0.0f};

  for (auto weight : {-0.1, 4096.0, double{nan}, double{infinity}}) {
    EXPECT_EQ(sums.add(value, weight, 1.0), admission::bad_weight) << weight;
    EXPECT_EQ(sums.add(value, 1.0, weight), admission::bad_weight) << weight;
  }
  ASSERT_EQ(sums.add(value, 4000.0), admission::added);
  EXPECT_EQ(sums.add(value, 96.0), admission::bad_weight);
  EXPECT_EQ(sums.merge(sums), admission::bad_weight);
  EXPECT_EQ(sums.add(value, 95.0), admission::added);
}

TEST(accumulator_test, never_wraps_whatever_it_is_given) {
  auto sums = accumulator(2);
  auto values = std::vector{1023.0f, -1023.0f};
  auto tiny = 0x1p-50;

  std::uint64_t admitted = 0;
  while (sums.add(values, 1.0, tiny) == admission::added && admitted < 5000)
    ++admitted;
  std::vector<double> mean(2);
  sums.average(mean);

  EXPECT_EQ(admitted, 4095u); // bounded by the weights
  EXPECT_EQ(mean[0] * sums.share(), 1023.0 * 4095.0);
  EXPECT_EQ(mean[1] * sums.share(), -1023.0 * 4095.0);
}

TEST(accumulator_test, bounds_many_large_products_of_tiny_weights) {
  auto sums = accumulator(1);
  auto value = std::vector{std::ldexp(1000.0f, 30)};

  std::uint64_t admitted = 0;
  auto said = admission::added;
  while ((said = sums.add(value, 0x1p-30).said) == admission::added)
    ++admitted;

  EXPECT_EQ(said, admission::out_of_range);
  EXPECT_EQ(admitted, 4194u); // 4194 x 1000 < 2^22
  EXPECT_LT(sums.reach(), 0x1p22);
  EXPECT_EQ(sums.merge(sums), admission::out_of_range);
}

TEST(accumulator_test, admits_millions_of_ordinary_contributions) {
  auto sums = accumulator(1);
  auto weight = gpu::on_weight_grid(1e-6);
  auto value = std::vector{3.0f};

  for (int i = 0; i < 2'000'000; ++i)
    ASSERT_EQ(sums.add(value, weight), admission::added);
  std::vector<double> mean(1);
  sums.average(mean);

  EXPECT_NEAR(mean[0], 3.0, 1e-6 * 3.0);
  EXPECT_EQ(sums.contributions(), 2'000'000u);
}

TEST(accumulator_test, forgets_everything_when_cleared) {
  auto sums = accumulator(2);
  sums.add(std::vector{1.0f, 2.0f}, 0.5);

  sums.clear();

  EXPECT_EQ(sums, accumulator(2));
}

TEST(accumulator_test, puts_weights_on_a_grid_once) {
  auto random = gpu::random_stream{4, gpu::stream::user};
  for (int i = 0; i < 1000; ++i) {
    auto weight = std::ldexp(random.uniform(), static_cast<int>(i % 12));

    auto once = gpu::on_weight_grid(weight);

    EXPECT_LE(std::abs(once - weight), 0x1p-51);
    EXPECT_EQ(gpu::on_weight_grid(once), once);
  }
}

TEST(accumulator_test, says_what_it_means) {
  EXPECT_STREQ(gpu::to_string(admission::not_finite), "not finite");
  EXPECT_STREQ(gpu::to_string(admission::bad_weight), "bad weight");
}

} // namespace
