#include "gpu/layers/conv2d.hpp"
#include "gpu/layers/flatten.hpp"
#include "gpu/layers/linear.hpp"
#include "gpu/layers/max_pool.hpp"
#include "gpu/layers/relu.hpp"
#include "gpu/layers/residual.hpp"
#include "gpu/layers/sequence.hpp"
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
  std::vector<float> workspace(fused.workspace(1));
  const layer_memory with{{}, workspace};

  plain.forward(on, parameters, {in, 1, 50}, {expected, 1, 75}, with);
  cut.forward(on, {}, {expected, 1, 75}, {expected, 1, 75}, {});
  fused.forward(on, parameters, {in, 1, 50}, {out, 1, 75}, with);

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

  there.forward(on, {}, {images, 2, 30}, {vectors, 2, 30}, {});
  back.forward(on, {}, {vectors, 2, 30}, {again, 2, 30}, {});

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

  plain.forward(on, parameters, {in, 3, 7}, {expected, 3, 5}, {});
  cut.forward(on, {}, {expected, 3, 5}, {expected, 3, 5}, {});
  fused.forward(on, parameters, {in, 3, 7}, {out, 3, 5}, {});

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

  layer.forward(on, parameters, {in, 1, 1}, {out, 1, 2}, {});
  layer.backward(on, parameters, {in, 1, 1}, {out, 1, 2}, {out_gradient, 1, 2},
      {in_gradient, 1, 1}, {gradient}, {});

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
        {out_gradient, 3, 5}, {dx, 3, 7}, to, {});
  };
  backward(parameters, in_gradient, {gradient});
  backward(moved, in_gradient_in_place, {moved, -0.5f, 0.75f});

  EXPECT_EQ(in_gradient_in_place, in_gradient);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    EXPECT_NEAR(moved[i], 0.75f * parameters[i] - 0.5f * gradient[i], 1e-6);
}

std::unique_ptr<layer> some_layers() {
  std::vector<named_layer> layers;
  layers.push_back({"a", std::make_unique<linear>(7, 9, activation::relu)});
  layers.push_back({"", std::make_unique<relu_layer>(extents{1, 1, 9})});
  layers.push_back({"b", std::make_unique<linear>(9, 7)});
  return std::make_unique<sequence>(std::move(layers));
}

TEST(layers_test, a_sequence_matches_finite_differences) {
  const auto layer = some_layers();

  const auto errors = compare_with_finite_differences(*layer, {1, 1, 7}, 3);

  EXPECT_LT(errors.in, tolerance);
  EXPECT_LT(errors.parameters, tolerance);
}

TEST(layers_test, a_sequence_names_what_its_layers_learn) {
  const auto views = some_layers()->parameters();

  ASSERT_EQ(views.size(), 4u);
  EXPECT_EQ(views[0], (parameter_view{"a.weight", {9, 7}, 0}));
  EXPECT_EQ(views[3], (parameter_view{"b.bias", {7}, 9 * 7 + 9 + 7 * 9}));
}

TEST(layers_test, a_residual_matches_finite_differences) {
  const residual layer{some_layers()};

  const auto errors = compare_with_finite_differences(layer, {1, 1, 7}, 3);

  EXPECT_LT(errors.in, tolerance);
  EXPECT_LT(errors.parameters, tolerance);
}

// What is inside overwrites the gradient that it is given, and looks at what
// it left before the sum.
TEST(layers_test, a_residual_of_a_cut_layer_matches_finite_differences) {
  const residual layer{std::make_unique<linear>(6, 6, activation::relu)};

  const auto errors = compare_with_finite_differences(layer, {1, 1, 6}, 3);

  EXPECT_LT(errors.in, tolerance);
  EXPECT_LT(errors.parameters, tolerance);
}

TEST(layers_test, residuals_hold_residuals) {
  std::vector<named_layer> layers;
  layers.push_back({"a", std::make_unique<residual>(some_layers())});
  layers.push_back({"b", std::make_unique<residual>(std::make_unique<residual>(
                             std::make_unique<linear>(7, 7)))});
  const sequence all{std::move(layers)};

  const auto errors = compare_with_finite_differences(all, {1, 1, 7}, 3);

  EXPECT_EQ(all.parameters()[0].name, "a.a.weight");
  EXPECT_LT(errors.in, tolerance);
  EXPECT_LT(errors.parameters, tolerance);
}

TEST(layers_test, a_residual_of_nothing_new_doubles) {
  const residual layer{std::make_unique<relu_layer>(extents{1, 1, 3})};
  device_stream on;
  std::vector<float> in{1.0f, -2.0f, 3.0f};
  std::vector<float> out(3);
  std::vector<float> kept(layer.kept(1));

  layer.forward(on, {}, {in, 1, 3}, {out, 1, 3}, {kept, {}});

  EXPECT_EQ(out, (std::vector<float>{2.0f, -2.0f, 6.0f}));
}

} // namespace
} // namespace troupe::gpu
