#include "gpu/operators/convolution.hpp"

#include "gpu/random.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace troupe::gpu {
namespace {

std::vector<float> random_block(std::size_t size, std::uint64_t seed) {
  random_stream random{seed, stream::user};
  std::vector<float> result(size);
  for (auto& value : result)
    value = float(2.0 * random.uniform() - 1.0);
  return result;
}

/// A convolution by its definition, in double. Calls visit(output element,
/// input element, weight element) for all that meet.
template <class Visit>
void each_meeting(const convolution& what, std::size_t samples, Visit visit) {
  const auto [height, width, channels] = what.in;
  const auto out = what.out();
  for (std::size_t i = 0; i < samples; ++i)
    for (std::size_t y = 0; y < out.height; ++y)
      for (std::size_t x = 0; x < out.width; ++x)
        for (std::size_t ky = 0; ky < what.kernel; ++ky)
          for (std::size_t kx = 0; kx < what.kernel; ++kx) {
            const auto from_y = y + ky - what.padding; // wraps below 0
            const auto from_x = x + kx - what.padding;
            if (from_y >= height || from_x >= width)
              continue;
            for (std::size_t c = 0; c < channels; ++c)
              for (std::size_t o = 0; o < what.channels; ++o)
                visit(((i * out.height + y) * out.width + x) * out.channels + o,
                    ((i * height + from_y) * width + from_x) * channels + c,
                    ((o * channels + c) * what.kernel + ky) * what.kernel + kx);
          }
}

void expect_near(
    const std::vector<float>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i], 1e-4) << "at " << i;
}

/// Shapes that leave every kind of rest: of rows, of columns, of strips.
class convolution_test : public ::testing::TestWithParam<convolution> {
protected:
  static constexpr std::size_t samples = 2;
  const convolution what_ = GetParam();
  const std::size_t in_ = what_.in.size();
  const std::size_t out_ = what_.out().size();
  std::vector<float> workspace_ = std::vector<float>(what_.workspace());
  device_stream on_;
};

INSTANTIATE_TEST_SUITE_P(shapes, convolution_test,
    ::testing::Values(convolution{{28, 28, 1}, 6, 5, 0},
        convolution{{12, 12, 6}, 16, 5, 0}, convolution{{28, 28, 1}, 32, 5, 2},
        convolution{{14, 14, 32}, 64, 5, 2}, convolution{{9, 31, 3}, 37, 3, 1},
        convolution{{7, 1, 2}, 33, 3, 2}, convolution{{5, 47, 17}, 1, 1, 0}));

TEST_P(convolution_test, forward_is_the_definition) {
  const auto in = random_block(samples * in_, 1);
  const auto weight = random_block(what_.weights(), 2);
  const auto bias = random_block(what_.channels, 3);
  std::vector<float> out(samples * out_);
  std::vector<double> expected(samples * out_);
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i] = bias[i % what_.channels];
  each_meeting(what_, samples, [&](auto o, auto i, auto w) {
    expected[o] += double(in[i]) * double(weight[w]);
  });

  convolve(on_, what_, weight, bias, activation::none, {in, samples, in_},
      {out, samples, out_}, workspace_);

  expect_near(out, expected);
}

TEST_P(convolution_test, backward_by_the_input_is_the_definition) {
  const auto gradient = random_block(samples * out_, 1);
  const auto weight = random_block(what_.weights(), 2);
  std::vector<float> result(samples * in_);
  std::vector<double> expected(samples * in_);
  each_meeting(what_, samples, [&](auto o, auto i, auto w) {
    expected[i] += double(gradient[o]) * double(weight[w]);
  });

  convolve_backward_input(on_, what_, weight, {gradient, samples, out_},
      {result, samples, in_}, workspace_);

  expect_near(result, expected);
}

TEST_P(convolution_test, backward_by_the_weight_fills_a_sink) {
  const auto in = random_block(samples * in_, 1);
  const auto gradient = random_block(samples * out_, 2);
  auto result = random_block(what_.weights(), 3);
  std::vector<double> expected(result.begin(), result.end());
  for (auto& value : expected)
    value *= 0.5;
  each_meeting(what_, samples, [&](auto o, auto i, auto w) {
    expected[w] -= 0.25 * double(in[i]) * double(gradient[o]);
  });

  convolve_backward_weight(on_, what_, {in, samples, in_},
      {gradient, samples, out_}, {result, -0.25f, 0.5f}, workspace_);

  expect_near(result, expected);
}

} // namespace
} // namespace troupe::gpu
