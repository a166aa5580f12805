#include "gpu/layers/conv2d.hpp"
#include "gpu/layers/flatten.hpp"
#include "gpu/layers/linear.hpp"
#include "gpu/layers/max_pool.hpp"
#include "gpu/layers/relu.hpp"
#include "gpu/layers/unflatten.hpp"

#include "tests/gpu/finite_differences.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace troupe::gpu {
namespace {

using testing::compare_with_finite_differences;

// Central differences of single-precision sums, with steps of 2^-9.
constexpr double tolerance = 2e-3;

TEST(layers_test, linear_matches_finite_differences) {
  linear layer{7, 5};

  const auto errors = compare_with_finite_differences(layer, {1, 1, 7}, 3);

  EXPECT_LT(errors.in, tolerance);
  EXPECT_LT(errors.parameters, tolerance);
}

struct shape {
  extents in;
  std::size_t channels, kernel, padding;
};
class conv2d_test : public ::testing::TestWithParam<shape> {};

INSTANTIATE_TEST_SUITE_P(odd_shapes, conv2d_test,
    ::testing::Values(shape{{5, 7, 1}, 3, 3, 0}, shape{{5, 7, 3}, 2, 3, 1},
        shape{{6, 5, 2}, 17, 5, 2}, shape{{5, 5, 3}, 4, 5, 0},
        shape{{3, 4, 2}, 3, 4, 3}, shape{{4, 3, 5}, 3, 1, 0}));

TEST_P(conv2d_test, matches_finite_differences) {
  const auto [in, channels, kernel, padding] = GetParam();
  conv2d layer{{in, channels, kernel, padding}};

  const auto errors = compare_with_finite_differences(layer, in, 3);

  EXPECT_LT(errors.in, tolerance);
  EXPECT_LT(errors.parameters, tolerance);
}

TEST(layers_test, conv2d_with_relu_is_conv2d_then_relu) {
  const convolution what{{5, 5, 2}, 3, 3, 1};
  conv2d fused{what, activation::relu};
  conv2d plain{what};
  relu_layer cut{what.out()};
  device_stream on;
  random_stream random{1};
  std::vector<float> parameters(size(fused.parameters()));
  fused.initialise(parameters, random);
  std::vector<float> in(50);
  initialise_uniform(in, 1, random);
  std::vector<float> expected(75);
  std::vector<float> out(75);

  plain.forward(on, parameters, {in, 1, 50}, {expected, 1, 75});
  cut.forward(on, {}, {expected, 1, 75}, {expected, 1, 75});
  fused.forward(on, parameters, {in, 1, 50}, {out, 1, 75});

  EXPECT_EQ(out, expected);
}

TEST(layers_test, max_pool_matches_finite_differences) {
  max_pool_layer layer{{{6, 4, 3}, 2}};

  const auto errors = compare_with_finite_differences(layer, {6, 4, 3}, 3);

  EXPECT_LT(errors.in, tolerance);
}

TEST(layers_test, max_pool_leaves_the_rest_of_odd_sizes_out) {
  max_pool_layer layer{{{5, 7, 2}, 3}};

  const auto errors = compare_with_finite_differences(layer, {5, 7, 2}, 3);

  EXPECT_EQ(layer.output(), (extents{1, 2, 2}));
  EXPECT_LT(errors.in, tolerance);
}

TEST(layers_test, max_pool_with_relu_matches_finite_differences) {
  max_pool_layer layer{{{6, 4, 3}, 2}, activation::relu};

  const auto errors = compare_with_finite_differences(layer, {6, 4, 3}, 3);

  EXPECT_LT(errors.in, tolerance);
}

TEST(layers_test, relu_matches_finite_differences) {
  relu_layer layer{{3, 5, 2}};

  const auto errors = compare_with_finite_differences(layer, {3, 5, 2}, 3);

  EXPECT_LT(errors.in, tolerance);
}

TEST(layers_test, flatten_matches_finite_differences) {
  flatten layer{{3, 5, 2}};

  const auto errors = compare_with_finite_differences(layer, {3, 5, 2}, 3);

  EXPECT_LT(errors.in, tolerance);
}

TEST(layers_test, unflatten_undoes_flatten) {
  flatten there{{3, 5, 2}};
  unflatten back{{3, 5, 2}};
  device_stream on;
  std::vector<float> images(2 * 30);
  std::iota(images.begin(), images.end(), 0.0f);
  std::vector<float> vectors(images.size());
  std::vector<float> again(images.size());

  there.forward(on, {}, {images, 2, 30}, {vectors, 2, 30});
  back.forward(on, {}, {vectors, 2, 30}, {again, 2, 30});

  EXPECT_EQ(vectors[1], 2.0f) << "the second pixel of the first channel";
  EXPECT_EQ(vectors[15], 1.0f) << "the first pixel of the second channel";
  EXPECT_EQ(again, images);
}

TEST(layers_test, linear_with_relu_is_linear_then_relu) {
  linear fused{7, 5, activation::relu};
  linear plain{7, 5};
  relu_layer cut{{1, 1, 5}};
  device_stream on;
  std::vector<float> parameters(40);
  random_stream random{1};
  fused.initialise(parameters, random);
  std::vector<float> in(3 * 7);
  initialise_uniform(in, 1, random);
  std::vector<float> expected(3 * 5);
  std::vector<float> out(3 * 5);

  plain.forward(on, parameters, {in, 3, 7}, {expected, 3, 5});
  cut.forward(on, {}, {expected, 3, 5}, {expected, 3, 5});
  fused.forward(on, parameters, {in, 3, 7}, {out, 3, 5});

  EXPECT_EQ(out, expected);
}

TEST(layers_test, linear_with_relu_passes_no_gradient_where_it_cut) {
  linear layer{1, 2, activation::relu};
  device_stream on;
  std::vector<float> parameters{1.0f, -1.0f, 0.0f, 0.0f};
  std::vector<float> in{3.0f};
  std::vector<float> out(2);
  std::vector<float> out_gradient{10.0f, 100.0f};
  std::vector<float> in_gradient(1);
  std::vector<float> gradient(4);

  layer.forward(on, parameters, {in, 1, 1}, {out, 1, 2});
  layer.backward(on, parameters, {in, 1, 1}, {out, 1, 2}, {out_gradient, 1, 2},
      {in_gradient, 1, 1}, {gradient});

  EXPECT_EQ(out, (std::vector<float>{3.0f, 0.0f}));
  EXPECT_EQ(in_gradient[0], 10.0f);
  EXPECT_EQ(gradient, (std::vector<float>{30.0f, 0.0f, 10.0f, 0.0f}));
}

TEST(layers_test, a_sink_that_leads_to_the_parameters_descends) {
  linear layer{7, 5};
  device_stream on;
  random_stream random{1};
  std::vector<float> parameters(40);
  layer.initialise(parameters, random);
  std::vector<float> in(3 * 7);
  initialise_uniform(in, 1, random);
  std::vector<float> out_gradient(3 * 5);
  initialise_uniform(out_gradient, 1, random);
  std::vector<float> gradient(40);
  std::vector<float> in_gradient(3 * 7);
  std::vector<float> in_gradient_in_place(3 * 7);
  auto moved = parameters;

  const auto backward = [&](std::vector<float>& w, std::vector<float>& dx,
                            gradient_sink to) {
    layer.backward(on, w, {in, 3, 7}, {out_gradient, 3, 5},
        {out_gradient, 3, 5}, {dx, 3, 7}, to);
  };
  backward(parameters, in_gradient, {gradient});
  backward(moved, in_gradient_in_place, {moved, -0.5f, 0.75f});

  EXPECT_EQ(in_gradient_in_place, in_gradient);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    EXPECT_NEAR(moved[i], 0.75f * parameters[i] - 0.5f * gradient[i], 1e-6);
}

} // namespace
} // namespace troupe::gpu
