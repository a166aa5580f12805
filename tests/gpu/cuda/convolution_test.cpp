#include "tests/gpu/cuda/on_gpu.hpp"

#include "gpu/operators/convolution.hpp"

namespace troupe::tests {
namespace {

using gpu::activation;
using gpu::convolution;
using gpu::device_stream;
using gpu::lane_step;

struct shape {
  convolution what;
  std::size_t lanes, share;
  std::size_t offset = 4; // of the weights in a lane
};

// Channels on both sides of every width of tiles, images and windows of odd
// sizes, LeNet-5's and the FedAvg paper's. cuDNN, where there is one, gets
// those in one lane without steps.
const shape shapes[]{{{{1, 1, 1}, 1, 1, 0}, 1, 1},
    {{{12, 12, 1}, 6, 5, 0}, 3, 3}, {{{8, 8, 6}, 16, 5, 0}, 2, 3, 1},
    {{{28, 28, 1}, 32, 5, 2}, 2, 2}, {{{14, 14, 32}, 64, 5, 2}, 1, 2},
    {{{6, 7, 8}, 20, 3, 1}, 4, 5}, {{{9, 13, 3}, 37, 3, 1}, 3, 2, 1},
    {{{7, 1, 2}, 33, 3, 2}, 2, 4}, {{{5, 17, 68}, 1, 1, 0}, 2, 2},
    {{{4, 4, 3}, 70, 2, 1}, 2, 0}, {{{28, 28, 1}, 32, 5, 2}, 1, 3},
    {{{11, 6, 5}, 7, 3, 0}, 1, 4, 1}, {{{4, 5, 3}, 8, 2, 1}, 1, 0}};

/// The operands of a convolution in several lanes.
class layer {
public:
  shape of;
  twin<lane_step> steps;
  twin<float> parameters; // of each lane: offset, weight, bias, rest
  twin<float> in, out, out_gradient, in_gradient, gradient;
  bool stepped = true;
  std::vector<float> workspace = std::vector<float>(of.what.workspace());

  std::size_t rows() const { return of.lanes * of.share; }
  std::size_t in_size() const { return of.what.in.size(); }
  std::size_t out_size() const { return of.what.out().size(); }

  gpu::lanes lanes(device_stream& on, twin<float>& all) {
    return {all.at(on), of.lanes, stepped ? steps.at(on).data() : nullptr};
  }
  gpu::lanes weight(device_stream& on, twin<float>& all) {
    return lanes(on, all).part(of.offset, of.what.weights());
  }
  void forward(device_stream& on, activation then) {
    const auto bias = of.offset + of.what.weights();
    convolve(on, of.what, weight(on, parameters),
        lanes(on, parameters).part(bias, of.what.channels), then,
        {in.at(on), rows(), in_size()}, {out.at(on), rows(), out_size()},
        workspace);
  }
  void backward(device_stream& on, float alpha, float beta) {
    convolve_backward_input(on, of.what, weight(on, parameters),
        {out_gradient.at(on), rows(), out_size()},
        {in_gradient.at(on), rows(), in_size()}, workspace);
    convolve_backward_weight(on, of.what, {in.at(on), rows(), in_size()},
        {out_gradient.at(on), rows(), out_size()},
        {weight(on, gradient), alpha, beta}, workspace);
  }
};

class cuda_convolution_test : public on_gpu {
protected:
  static std::size_t stride(const shape& of) {
    return (of.offset + of.what.weights() + of.what.channels + 3) / 4 * 4 + 4;
  }
  /// With steps: rows that they lack hold NaN, and what is to stay as it is.
  layer random_layer(const shape& of) {
    const auto all = random_steps(of.lanes, of.share);
    const auto in = of.what.in.size();
    const auto out = of.what.out().size();
    return {of, sent(all), random(of.lanes * stride(of)),
        random_rows(all, of.share, in), random(of.lanes * of.share * out),
        random_rows(all, of.share, out), random(of.lanes * of.share * in),
        random(of.lanes * stride(of))};
  }
  layer whole_layer(const shape& of) {
    auto result = random_layer(of);
    result.in = random(result.in.size());
    result.out_gradient = random(result.out_gradient.size());
    result.out = poison(result.out.size());
    result.in_gradient = poison(result.in_gradient.size());
    result.stepped = false;
    return result;
  }
  /// Magnitudes everywhere, so that the host's answer bounds errors.
  layer magnitudes(layer& of) {
    auto steps = of.steps.host();
    for (auto& step : steps)
      step.alpha = std::abs(step.alpha);
    layer result{of.of, sent(steps), sent(absolute(of.parameters.host())),
        sent(absolute(of.in.host())), sent(absolute(of.out.host())),
        sent(absolute(of.out_gradient.host())),
        sent(absolute(of.in_gradient.host())),
        sent(absolute(of.gradient.host()))};
    result.stepped = of.stepped;
    return result;
  }
  void expect_the_hosts(layer& x, activation then, float alpha, float beta) {
    auto bounds = magnitudes(x);
    bounds.forward(host, activation::none);
    bounds.backward(host, std::abs(alpha), std::abs(beta));
    on_both([&](device_stream& on) {
      x.forward(on, then);
      x.backward(on, alpha, beta);
    });
    expect_near(x.out, scaled(bounds.out.host(), 1e-5f));
    expect_near(x.in_gradient, scaled(bounds.in_gradient.host(), 1e-5f));
    expect_near(x.gradient, scaled(bounds.gradient.host(), 1e-5f));
  }

  /// With the operands of its products in bf16.
  layer rounded_layer(const layer& of) {
    auto parameters = of.parameters.host();
    for (std::size_t lane = 0; lane < of.of.lanes; ++lane) {
      auto* weight = parameters.data() + lane * stride(of.of) + of.of.offset;
      for (auto& x : std::span{weight, of.of.what.weights()})
        x = gpu::to_float(gpu::to_bf16(x));
    }
    layer result{of.of, sent(of.steps.host()), sent(parameters),
        sent(rounded(of.in.host())), sent(of.out.host()),
        sent(rounded(of.out_gradient.host())), sent(of.in_gradient.host()),
        sent(of.gradient.host())};
    result.stepped = of.stepped;
    return result;
  }
  // Sums aside, bf16 is the host's with rounded operands, and whether somebody
  // else rounded them before is the same.
  void expect_rounding(layer& x, activation then, float alpha, float beta) {
    auto y = rounded_layer(x);
    auto bounds = magnitudes(y);
    bounds.forward(host, activation::none);
    bounds.backward(host, std::abs(alpha), std::abs(beta));
    y.forward(host, then);
    y.backward(host, alpha, beta);
    for (auto* each : {&x, &y}) {
      each->forward(in_bf16(), then);
      each->backward(in_bf16(), alpha, beta);
    }
    in_bf16().synchronise();
    expect_near(y.out, scaled(bounds.out.host(), 1e-5f));
    expect_near(y.in_gradient, scaled(bounds.in_gradient.host(), 1e-5f));
    expect_near(y.gradient, scaled(bounds.gradient.host(), 1e-5f));
    for (auto part : {&layer::out, &layer::in_gradient, &layer::gradient})
      EXPECT_EQ(bits((x.*part).fetched(gpu())), bits((y.*part).fetched(gpu())));
  }
};
TROUPE_ON_EVERY_GPU(cuda_convolution_test);

TEST_P(cuda_convolution_test, lanes_with_steps_are_the_hosts) {
  for (const auto& of : shapes) {
    auto x = random_layer(of);
    expect_the_hosts(x, activation::relu, 1.0f, 0.0f);
  }
}

TEST_P(cuda_convolution_test, whole_lanes_are_the_hosts) {
  for (const auto& of : shapes) {
    auto x = whole_layer(of);
    expect_the_hosts(x, activation::none, -0.3f, 0.9f);
  }
}

TEST_P(cuda_convolution_test, beta_zero_does_not_read) {
  for (const auto& of : shapes) {
    auto x = whole_layer(of);
    auto bounds = magnitudes(x);
    x.gradient = poison(x.gradient.size());
    bounds.backward(host, 1.0f, 0.0f);

    on_both([&](device_stream& on) { x.backward(on, 1.0f, 0.0f); });

    expect_near(x.gradient, scaled(bounds.gradient.host(), 1e-5f));
  }
}

TEST_P(cuda_convolution_test, bf16_rounds_operands_alone) {
  for (const auto& of : shapes) {
    auto stepped = random_layer(of);
    auto whole = whole_layer(of);
    expect_rounding(stepped, activation::relu, 1.0f, 0.0f);
    expect_rounding(whole, activation::none, -0.3f, 0.9f);
  }
}

// Of fewer values one may be next to nothing by chance.
TEST_P(cuda_convolution_test, bf16_is_within_a_hundredth_of_the_hosts) {
  for (const auto& of : shapes) {
    auto x = whole_layer(of);
    if (x.out.size() < 500)
      continue;
    x.forward(host, activation::relu);
    x.backward(host, 1.0f, 0.0f);

    x.forward(in_bf16(), activation::relu);
    x.backward(in_bf16(), 1.0f, 0.0f);
    in_bf16().synchronise();

    for (auto part : {&layer::out, &layer::in_gradient, &layer::gradient}) {
      const auto apart = distance((x.*part).fetched(gpu()), (x.*part).host());
      EXPECT_LE(apart, 1e-2);
      EXPECT_GE(apart, 1e-4) << "nothing was rounded";
    }
  }
}

/// One lane of several, alone.
std::vector<float> share_of(
    const std::vector<float>& all, std::size_t lane, std::size_t lanes) {
  const auto size = all.size() / lanes;
  return {all.begin() + std::ptrdiff_t(lane * size),
      all.begin() + std::ptrdiff_t((lane + 1) * size)};
}

TEST_P(cuda_convolution_test, a_lanes_bits_are_its_own) {
  for (const auto& of :
      {shape{{{8, 8, 4}, 8, 3, 1}, 7, 5}, shape{{{9, 7, 1}, 40, 3, 0}, 7, 3}}) {
    auto all = random_layer(of);
    const auto alone = [&](const twin<float>& x) {
      return sent(share_of(x.host(), 3, 7));
    };
    layer one{of, sent(std::vector{all.steps.host()[3]}), alone(all.parameters),
        alone(all.in), alone(all.out), alone(all.out_gradient),
        alone(all.in_gradient), alone(all.gradient)};
    one.of.lanes = 1;

    for (auto* on : {&gpu(), &in_bf16()}) {
      for (auto* x : {&all, &one}) {
        x->forward(*on, activation::relu);
        x->backward(*on, 1.0f, 0.0f);
      }
      on->synchronise();

      for (auto part : {&layer::out, &layer::in_gradient, &layer::gradient})
        EXPECT_EQ(bits((one.*part).fetched(gpu())),
            bits(share_of((all.*part).fetched(gpu()), 3, 7)));
    }
  }
}

} // namespace
} // namespace troupe::tests
