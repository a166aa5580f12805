#include "gpu/models/network.hpp"

#include "gpu/operators/loss.hpp"
#include "gpu/operators/reductions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace troupe::models {
namespace {

/// Every kind of layer, on small images of two channels.
model every_layer() {
  return {"every", {2, 7, 6}, 3,
      {conv2d{5, 3, 1}, relu{}, max_pool{2}, conv2d{4, 2}, relu{}, flatten{},
          linear{6}, relu{}, linear{3}}};
}

/// A network with parameters and samples, and its mean loss over them.
class subject {
public:
  explicit subject(const model& what)
      : network_(what),
        parameters(gpu::size(network_.parameters())),
        in_(samples * 2 * 7 * 6) {
    network_.initialise(parameters, 1);
    gpu::random_stream random{2, gpu::stream::user};
    for (auto& value : in_)
      value = float(random.uniform());
  }

  double loss() {
    std::vector<float> losses(samples);
    gpu::softmax_cross_entropy(on_, logits(), labels_, losses);
    return gpu::sum(on_, losses) / samples;
  }

  std::vector<float> gradient() {
    std::vector<float> losses(samples);
    std::vector<float> result(parameters.size());
    const auto from = logits();
    gpu::softmax_cross_entropy(
        on_, from, labels_, losses, 1.0f / samples, trace_.out_gradient());
    network_.backward(on_, parameters, trace_, {result});
    return result;
  }

  gpu::const_matrix logits() {
    return network_.forward(
        on_, parameters, {in_, samples, in_.size() / samples}, trace_);
  }

private:
  static constexpr std::size_t samples = 4;
  network network_;
  trace trace_;
  gpu::device_stream on_;
  std::vector<std::uint8_t> labels_{0, 1, 2, 1};

public:
  std::vector<float> parameters;

private:
  std::vector<float> in_;
};

TEST(network_test, its_gradient_matches_finite_differences) {
  subject what{every_layer()};
  const auto gradient = what.gradient();
  auto largest = 0.0;
  auto error = 0.0;

  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const auto kept = what.parameters[i];
    const auto step = 1.0f / 256.0f;
    what.parameters[i] = kept + step;
    const auto above = what.loss();
    what.parameters[i] = kept - step;
    const auto difference = (above - what.loss()) / (2.0 * step);
    what.parameters[i] = kept;
    largest = std::max(largest, std::abs(double(gradient[i])));
    error = std::max(error, std::abs(difference - double(gradient[i])));
  }

  EXPECT_GT(largest, 0.01);
  EXPECT_LT(error, 5e-3 * largest);
}

TEST(network_test, knows_pytorch_s_logits) {
  // One image of one channel, a convolution that takes differences, and a
  // linear layer whose weights tell which pixel went where.
  const model what{"tiny", {1, 2, 3}, 2, {conv2d{2, 2}, flatten{}, linear{2}}};
  network net{what};
  trace left;
  gpu::device_stream on;
  const std::vector<float> parameters{1, -1, 0,
      0,          // conv1.weight, channel 1: left - right, upper row
      0, 0, 0, 1, // channel 2: the lower right pixel
      10, 20,     // conv1.bias
      1, 2, 3, 4, // fc1.weight: channel by channel
      0, 0, 0, 0, //
      0.5f, -0.5f};
  const std::vector<float> in{1, 2, 4, 8, 16, 32};

  const auto logits = net.forward(on, parameters, {in, 1, 6}, left);

  // Channels: {10 - 1, 10 - 2} and {20 + 16, 20 + 32}.
  EXPECT_EQ(logits.data[0], 9 + 2 * 8 + 3 * 36 + 4 * 52 + 0.5f);
  EXPECT_EQ(logits.data[1], -0.5f);
}

TEST(network_test, relu_before_or_behind_the_pooling_is_the_same) {
  const model before{"a", {2, 7, 6}, 3,
      {conv2d{5, 3, 1}, relu{}, max_pool{3}, flatten{}, linear{3}}};
  const model behind{"b", {2, 7, 6}, 3,
      {conv2d{5, 3, 1}, max_pool{3}, relu{}, flatten{}, linear{3}}};
  subject one{before};
  subject two{behind};

  EXPECT_EQ(one.loss(), two.loss());
  EXPECT_EQ(one.gradient(), two.gradient());
}

TEST(network_test, a_sample_s_logits_do_not_depend_on_earlier_batches) {
  const std::vector<std::size_t> batches{3, 50, 3};
  network what{lenet5()};
  trace left;
  gpu::device_stream on;
  std::vector<float> parameters(gpu::size(what.parameters()));
  what.initialise(parameters, 1);
  std::vector<float> in(50 * 784);
  gpu::random_stream random{2, gpu::stream::user};
  for (auto& value : in)
    value = float(random.uniform());
  std::vector<std::vector<float>> seen;

  for (auto count : batches) {
    const auto logits = what.forward(
        on, parameters, {std::span{in}.first(count * 784), count, 784}, left);
    seen.emplace_back(logits.span().begin(), logits.span().end());
  }

  EXPECT_EQ(seen[0], seen[2]);
}

std::vector<float> random_values(std::size_t size, std::uint64_t seed) {
  gpu::random_stream random{seed, gpu::stream::user};
  std::vector<float> result(size);
  for (auto& value : result)
    value = float(random.uniform());
  return result;
}

/// Two stages of every layer: the first `cut` of them, and the others.
struct stages {
  explicit stages(std::size_t cut)
      : first(every_layer(), gpu::range{0, cut}),
        second(every_layer(), gpu::range{cut, layers_of(every_layer()) - cut}) {
  }

  network first;
  network second;
};

TEST(network_test, stages_have_the_parameters_of_the_whole) {
  const network whole{every_layer()};
  std::vector<float> expected(gpu::size(whole.parameters()));
  whole.initialise(expected, 3);

  for (std::size_t cut = 1; cut < layers_of(every_layer()); ++cut) {
    const stages both{cut};
    const auto border = gpu::size(both.first.parameters());
    std::vector<float> parameters(expected.size());
    both.first.initialise(std::span{parameters}.first(border), 3);
    both.second.initialise(std::span{parameters}.subspan(border), 3);

    EXPECT_EQ(parameters, expected) << "cut behind layer " << cut;
    EXPECT_EQ(both.first.outputs(), both.second.inputs());
    auto names = both.first.parameters();
    for (const auto& view : both.second.parameters())
      gpu::append(names, view.name, view.shape);
    EXPECT_EQ(names, whole.parameters());
  }
}

// Two batches under way at a time, as in a pipeline, and each one's gradient.
TEST(network_test, stages_with_a_trace_a_batch_compute_what_the_whole_does) {
  constexpr std::size_t rows = 3;
  gpu::device_stream on;
  const network whole{every_layer()};
  std::vector<float> parameters(gpu::size(whole.parameters()));
  whole.initialise(parameters, 3);
  const std::vector<float> ins[]{
      random_values(rows * 84, 1), random_values(rows * 84, 2)};
  const auto by_logits = random_values(rows * 3, 4);
  const auto write = [&](gpu::matrix to) {
    std::ranges::copy(by_logits, to.data);
  };
  std::vector<float> expected[2], logits[2];
  for (std::size_t i = 0; i < 2; ++i) {
    trace left;
    const auto out = whole.forward(on, parameters, {ins[i], rows, 84}, left);
    logits[i].assign(out.span().begin(), out.span().end());
    write(left.out_gradient());
    expected[i].resize(parameters.size());
    whole.backward(on, parameters, left, {expected[i]});
  }

  for (std::size_t cut = 1; cut < layers_of(every_layer()); ++cut) {
    const stages both{cut};
    const auto border = gpu::size(both.first.parameters());
    const auto low = std::span{parameters}.first(border);
    const auto high = std::span{parameters}.subspan(border);
    trace lefts[2], rights[2];
    for (std::size_t i = 0; i < 2; ++i) {
      const auto between =
          both.first.forward(on, low, {ins[i], rows, 84}, lefts[i]);
      const auto out = both.second.forward(on, high, between, rights[i]);
      EXPECT_TRUE(std::ranges::equal(out.span(), logits[i]));
    }
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<float> gradient(parameters.size());
      write(rights[i].out_gradient());
      both.second.backward(on, high, rights[i],
          {std::span{gradient}.subspan(border)}, {}, lefts[i].out_gradient());
      both.first.backward(
          on, low, lefts[i], {std::span{gradient}.first(border)});

      EXPECT_EQ(gradient, expected[i]) << "cut behind layer " << cut;
    }
  }
}

} // namespace
} // namespace troupe::models
