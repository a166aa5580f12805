#include "gpu/operators/linear.hpp"

#include "gpu/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace troupe::gpu {
namespace {

struct shape {
  std::size_t samples;
  std::size_t inputs;
  std::size_t outputs;
};

std::vector<float> random_block(std::size_t size, std::uint64_t seed) {
  random_stream random{seed, stream::user};
  std::vector<float> result(size);
  for (auto& value : result)
    value = float(2.0 * random.uniform() - 1.0);
  return result;
}

void expect_near(
    const std::vector<float>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i], 1e-4) << "at " << i;
}

/// Shapes that leave every kind of rest, in one block of weights and in many,
/// for few samples and for more.
class linear_test : public ::testing::TestWithParam<shape> {
protected:
  const std::size_t samples_ = GetParam().samples;
  const std::size_t inputs_ = GetParam().inputs;
  const std::size_t outputs_ = GetParam().outputs;
  const std::vector<float> in_ = random_block(samples_ * inputs_, 1);
  const std::vector<float> weight_ = random_block(inputs_ * outputs_, 2);
  const std::vector<float> bias_ = random_block(outputs_, 3);
  const std::vector<float> out_gradient_ = random_block(samples_ * outputs_, 4);
  device_stream on_;

  const_matrix in() const { return {in_, samples_, inputs_}; }
  const_matrix weight() const { return {weight_, outputs_, inputs_}; }
  const_matrix out_gradient() const {
    return {out_gradient_, samples_, outputs_};
  }

  std::vector<double> expected_in_gradient() const {
    std::vector<double> result(samples_ * inputs_);
    for (std::size_t s = 0; s < samples_; ++s)
      for (std::size_t o = 0; o < outputs_; ++o)
        for (std::size_t i = 0; i < inputs_; ++i)
          result[s * inputs_ + i] += double(out_gradient_[s * outputs_ + o]) *
                                     double(weight_[o * inputs_ + i]);
    return result;
  }

  /// weight / 2 - gradient / 4
  std::vector<double> expected_weight() const {
    std::vector<double> result(weight_.begin(), weight_.end());
    for (auto& value : result)
      value *= 0.5;
    for (std::size_t s = 0; s < samples_; ++s)
      for (std::size_t o = 0; o < outputs_; ++o)
        for (std::size_t i = 0; i < inputs_; ++i)
          result[o * inputs_ + i] -= 0.25 *
                                     double(out_gradient_[s * outputs_ + o]) *
                                     double(in_[s * inputs_ + i]);
    return result;
  }
};

INSTANTIATE_TEST_SUITE_P(shapes, linear_test,
    ::testing::Values(shape{1, 1, 1}, shape{10, 784, 37}, shape{7, 33, 13},
        shape{32, 50, 6}, shape{33, 50, 6}, shape{13, 3136, 47}));

TEST_P(linear_test, forward_is_the_definition) {
  std::vector<float> out(samples_ * outputs_);
  std::vector<double> expected;
  for (std::size_t s = 0; s < samples_; ++s)
    for (std::size_t o = 0; o < outputs_; ++o) {
      auto sum = double(bias_[o]);
      for (std::size_t i = 0; i < inputs_; ++i)
        sum += double(in_[s * inputs_ + i]) * double(weight_[o * inputs_ + i]);
      expected.push_back(sum);
    }

  linear_forward(
      on_, in(), weight_, bias_, activation::none, {out, samples_, outputs_});
  expect_near(out, expected);

  linear_forward(
      on_, in(), weight_, bias_, activation::relu, {out, samples_, outputs_});
  for (auto& value : expected)
    value = std::max(value, 0.0);
  expect_near(out, expected);
}

TEST_P(linear_test, backward_may_descend_in_place) {
  auto weight = weight_;
  std::vector<float> in_gradient(samples_ * inputs_);

  linear_backward(on_, in(), weight, out_gradient(),
      {in_gradient, samples_, inputs_}, {weight, -0.25f, 0.5f});

  expect_near(in_gradient, expected_in_gradient());
  expect_near(weight, expected_weight());
}

TEST_P(linear_test, backward_leaves_out_what_nobody_needs) {
  auto weight = weight_;

  linear_backward(
      on_, in(), weight, out_gradient(), {}, {weight, -0.25f, 0.5f});

  expect_near(weight, expected_weight());
}

} // namespace
} // namespace troupe::gpu
