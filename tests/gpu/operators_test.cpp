#include "gpu/operators/activations.hpp"
#include "gpu/operators/loss.hpp"
#include "gpu/operators/products.hpp"
#include "gpu/operators/reductions.hpp"
#include "gpu/operators/vectors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace troupe::gpu {
namespace {

constexpr auto nan = std::numeric_limits<float>::quiet_NaN();

TEST(operators_test, multiply_takes_transposed_views) {
  device_stream on;
  const std::vector<float> a{1, 2, 3, 4, 5, 6}; // 2 x 3
  const std::vector<float> b{1, 0, 2, 0, 1, 1}; // 2 x 3
  std::vector<float> c(4, nan);
  std::vector<float> d(9, 1.0f);

  multiply(on, {a, 2, 3}, const_matrix{b, 2, 3}.t(), {c, 2, 2});
  multiply(on, const_matrix{a, 2, 3}.t(), {b, 2, 3}, {d, 3, 3}, 2.0f, -1.0f);

  EXPECT_EQ(c, (std::vector<float>{7, 5, 16, 11}));
  EXPECT_EQ(d, (std::vector<float>{1, 7, 11, 3, 9, 17, 5, 11, 23}));
}

TEST(operators_test, multiply_by_nothing_leaves_beta_c) {
  device_stream on;
  std::vector<float> c{1, 2};

  multiply(on, const_matrix{{}, 1, 0}, const_matrix{{}, 0, 2}, {c, 1, 2}, 1.0f,
      3.0f);

  EXPECT_EQ(c, (std::vector<float>{3, 6}));
}

TEST(operators_test, relu_keeps_nan) {
  device_stream on;
  std::vector<float> x{-1.0f, 0.0f, 2.0f, nan};

  relu(on, x, x);

  EXPECT_EQ(x[0], 0.0f);
  EXPECT_EQ(x[2], 2.0f);
  EXPECT_TRUE(std::isnan(x[3]));
}

TEST(operators_test, sum_columns_fills_a_sink) {
  device_stream on;
  const std::size_t columns = 131; // more than two strips, and a rest
  std::vector<float> x(3 * columns);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = float(i);
  std::vector<float> to(columns, 10.0f);

  sum_columns(on, {x, 3, columns}, {to, 2.0f, 0.5f});

  for (std::size_t i = 0; i < columns; ++i)
    EXPECT_EQ(to[i], 2.0f * float(3 * i + 3 * columns) + 5.0f);
}

TEST(operators_test, beta_zero_overwrites_nan) {
  device_stream on;
  std::vector<float> x{1, 2};
  std::vector<float> y{nan, nan};
  std::vector<float> sums{nan, nan};

  scale_and_add(on, 2.0f, x, 0.0f, y);
  sum_columns(on, {x, 1, 2}, {sums});

  EXPECT_EQ(y, (std::vector<float>{2, 4}));
  EXPECT_EQ(sums, x);
}

TEST(operators_test, cross_entropy_survives_large_logits) {
  device_stream on;
  const std::vector<float> logits{1000.0f, 0.0f, -1000.0f, 0.0f};
  const std::vector<std::uint8_t> labels{0, 0};
  std::vector<float> losses(2);

  softmax_cross_entropy(on, {logits, 2, 2}, labels, losses);

  EXPECT_EQ(losses[0], 0.0f);
  EXPECT_EQ(losses[1], 1000.0f);
}

TEST(operators_test, cross_entropy_matches_finite_differences) {
  device_stream on;
  const std::size_t rows = 3;
  const std::size_t classes = 7;
  std::vector<float> logits(rows * classes);
  for (std::size_t i = 0; i < logits.size(); ++i)
    logits[i] = float(std::sin(3.0 * double(i)));
  const std::vector<std::uint8_t> labels{6, 0, 3};
  std::vector<float> losses(rows);
  std::vector<float> gradient(logits.size());

  softmax_cross_entropy(on, {logits, rows, classes}, labels, losses, 0.25f,
      {gradient, rows, classes});

  for (std::size_t i = 0; i < logits.size(); ++i) {
    const auto loss = [&](float step) {
      auto moved = logits;
      moved[i] += step;
      std::vector<float> each(rows);
      softmax_cross_entropy(on, {moved, rows, classes}, labels, each);
      return 0.25 * sum(on, each);
    };
    const auto step = 1.0f / 128.0f;
    EXPECT_NEAR(gradient[i], (loss(step) - loss(-step)) / (2.0 * step), 2e-5);
  }
}

TEST(operators_test, counts_a_row_with_nan_as_wrong) {
  device_stream on;
  const std::vector<float> logits{1, 2, 2, 1, nan, 0};
  const std::vector<std::uint8_t> labels{1, 0, 0};

  EXPECT_EQ(count_correct(on, {logits, 3, 2}, labels), 2u);
}

TEST(operators_test, sums_squares_in_double) {
  device_stream on;
  const std::vector<float> x(1003, 0.1f);

  EXPECT_NEAR(sum_of_squares(on, x), 1003 * 0.1f * 0.1f, 1e-6);
}

} // namespace
} // namespace troupe::gpu
