#include "gpu/models/model.hpp"
#include "gpu/models/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace troupe::models {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const model& what) {
  try {
    layout(what);
    return "not refused";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(models_test, softmax_is_one_linear_layer) {
  EXPECT_EQ(gpu::size(layout(softmax(784, 10))), 7850u);
}

TEST(models_test, mlp_names_its_parameters_as_pytorch_does) {
  const auto views = layout(mlp({784, 200, 200, 10}));

  ASSERT_EQ(views.size(), 6u);
  EXPECT_EQ(views[0].name, "fc1.weight");
  EXPECT_THAT(views[0].shape, ElementsAre(200, 784));
  EXPECT_EQ(views[5].name, "fc3.bias");
  EXPECT_EQ(views[2].offset, 200u * 785u);
  EXPECT_EQ(gpu::size(views), 199'210u);
}

TEST(models_test, lenet5_has_its_parameters) {
  const auto views = layout(lenet5());

  ASSERT_EQ(views.size(), 10u);
  EXPECT_EQ(views[2].name, "conv2.weight");
  EXPECT_THAT(views[2].shape, ElementsAre(16, 6, 5, 5));
  EXPECT_THAT(views[4].shape, ElementsAre(120, 256));
  EXPECT_EQ(gpu::size(views), 44'426u);
}

TEST(models_test, the_cnn_of_the_fedavg_paper_has_1663370_parameters) {
  EXPECT_EQ(gpu::size(layout(cnn())), 1'663'370u);
}

TEST(models_test, a_kernel_larger_than_its_image_is_refused_by_name) {
  const model what{"mine", {1, 4, 4}, 10, {conv2d{8, 5}}};

  EXPECT_THAT(refusal(what),
      HasSubstr(
          "model mine, layer 1: conv2d of 8 channels, kernel 5, padding 0 "
          "does not fit 1 channels of 4 x 4"));
}

TEST(models_test, an_mlp_of_one_width_is_refused) {
  EXPECT_THROW(mlp({784}), std::invalid_argument);
}

TEST(models_test, a_linear_layer_on_an_image_is_refused_by_name) {
  const model what{"mine", {1, 28, 28}, 10, {linear{10}}};

  EXPECT_THAT(refusal(what), HasSubstr("model mine, layer 1: linear takes a "
                                       "vector and gets 1 channels of 28 x 28; "
                                       "put flatten before it"));
}

TEST(models_test, outputs_other_than_the_classes_are_refused_by_name) {
  const model what{"mine", {4}, 10, {linear{7}}};

  EXPECT_THAT(refusal(what), HasSubstr("a vector of 7 for 10 classes"));
}

TEST(models_test, a_model_without_layers_is_refused) {
  EXPECT_THAT(refusal({"mine", {4}, 4, {}}), HasSubstr("has no layers"));
}

TEST(models_test, initialisation_is_a_function_of_the_seed) {
  network one{mlp({7, 5, 3})};
  network two{mlp({7, 5, 3})};
  const auto size = gpu::size(one.parameters());
  std::vector<float> a(size);
  std::vector<float> b(size);
  std::vector<float> c(size);

  one.initialise(a, 1);
  two.initialise(b, 1);
  two.initialise(c, 2);

  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(models_test, initialisation_fills_pytorch_s_range) {
  network what{mlp({100, 300, 10})};
  std::vector<float> parameters(gpu::size(what.parameters()));

  what.initialise(parameters, 1);

  const auto first = std::span{parameters}.first(100 * 300 + 300);
  auto largest = 0.0f;
  auto squares = 0.0;
  for (auto value : first) {
    largest = std::max(largest, std::abs(value));
    squares += double(value) * double(value);
  }
  EXPECT_LE(largest, 0.1f);
  EXPECT_GT(largest, 0.0999f);
  EXPECT_NEAR(squares / double(first.size()), 0.01 / 3.0, 1e-4);
}

} // namespace
} // namespace troupe::models
