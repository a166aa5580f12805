#include "tests/gpu/cuda/on_gpu.hpp"

#include <algorithm>

#include "gpu/operators/linear.hpp"

namespace troupe::tests {
namespace {

using gpu::activation;
using gpu::device_stream;
using gpu::gradient_sink;
using gpu::lane_step;

struct shape {
  std::size_t lanes, share, inputs, outputs;
  std::size_t offset = 4; // of the weights in a lane; 1: nothing is aligned
};

// Rests of every kind, on both sides of the 16 rows that make a lane one of
// few.
constexpr shape shapes[]{{1, 1, 1, 1}, {3, 10, 64, 70}, {4, 16, 33, 13},
    {4, 7, 36, 65, 1}, {2, 17, 50, 6}, {3, 70, 40, 66}, {2, 65, 68, 5, 1},
    {2, 10, 784, 100}, {2, 0, 8, 3}};

/// The operands of a layer in several lanes.
class layer {
public:
  shape of;
  twin<lane_step> steps;
  twin<float> parameters; // of each lane: offset, weight, bias, rest
  twin<float> in, out, out_gradient, in_gradient, gradient;
  bool stepped = true;

  std::size_t rows() const { return of.lanes * of.share; }
  std::size_t weights() const { return of.inputs * of.outputs; }

  gpu::lanes lanes(device_stream& on, twin<float>& all) {
    return {all.at(on), of.lanes, stepped ? steps.at(on).data() : nullptr};
  }
  gpu::lanes weight(device_stream& on, twin<float>& all) {
    return lanes(on, all).part(of.offset, weights());
  }
  void forward(device_stream& on, activation then) {
    linear_forward(on, {in.at(on), rows(), of.inputs}, weight(on, parameters),
        lanes(on, parameters).part(of.offset + weights(), of.outputs), then,
        {out.at(on), rows(), of.outputs});
  }
  void backward(device_stream& on, twin<float>& to, float alpha, float beta) {
    linear_backward(on, {in.at(on), rows(), of.inputs}, weight(on, parameters),
        {out_gradient.at(on), rows(), of.outputs},
        {in_gradient.at(on), rows(), of.inputs}, {weight(on, to), alpha, beta});
  }
};

class cuda_linear_test : public on_gpu {
protected:
  static std::size_t stride(const shape& of) {
    return (of.offset + (of.inputs + 1) * of.outputs + 3) / 4 * 4 + 4;
  }
  /// With steps: rows that they lack hold NaN, and what is to stay as it is.
  layer random_layer(const shape& of) {
    const auto all = random_steps(of.lanes, of.share);
    return {of, sent(all), random(of.lanes * stride(of)),
        random_rows(all, of.share, of.inputs),
        random(of.lanes * of.share * of.outputs),
        random_rows(all, of.share, of.outputs),
        random(of.lanes * of.share * of.inputs), random(of.lanes * stride(of))};
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
  void expect_forward(layer& x, activation then) {
    auto bounds = magnitudes(x);
    bounds.forward(host, activation::none);
    on_both([&](device_stream& on) { x.forward(on, then); });
    expect_near(x.out, scaled(bounds.out.host(), 1e-5f));
  }
  void expect_backward(layer& x, float alpha, float beta) {
    auto bounds = magnitudes(x);
    bounds.backward(host, bounds.gradient, std::abs(alpha), std::abs(beta));
    on_both(
        [&](device_stream& on) { x.backward(on, x.gradient, alpha, beta); });
    expect_near(x.in_gradient, scaled(bounds.in_gradient.host(), 1e-5f));
    expect_near(x.gradient, scaled(bounds.gradient.host(), 1e-5f));
  }

  /// With the operands of its products in bf16.
  layer rounded_layer(const layer& of) {
    auto parameters = of.parameters.host();
    for (std::size_t lane = 0; lane < of.of.lanes; ++lane) {
      auto* weight = parameters.data() + lane * stride(of.of) + of.of.offset;
      for (auto& x : std::span{weight, of.weights()})
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
    bounds.backward(host, bounds.gradient, std::abs(alpha), std::abs(beta));
    y.forward(host, then);
    y.backward(host, y.gradient, alpha, beta);
    for (auto* each : {&x, &y}) {
      each->forward(in_bf16(), then);
      each->backward(in_bf16(), each->gradient, alpha, beta);
    }
    in_bf16().synchronise();
    expect_near(y.out, scaled(bounds.out.host(), 1e-5f));
    expect_near(y.in_gradient, scaled(bounds.in_gradient.host(), 1e-5f));
    expect_near(y.gradient, scaled(bounds.gradient.host(), 1e-5f));
    for (auto part : {&layer::out, &layer::in_gradient, &layer::gradient})
      EXPECT_EQ(bits((x.*part).fetched(gpu())), bits((y.*part).fetched(gpu())));
  }
};
TROUPE_ON_EVERY_GPU(cuda_linear_test);

TEST_P(cuda_linear_test, forward_is_the_hosts) {
  for (const auto& of : shapes)
    for (auto then : {activation::none, activation::relu}) {
      auto stepped = random_layer(of);
      auto whole = whole_layer(of);
      expect_forward(stepped, then);
      expect_forward(whole, then);
    }
}

TEST_P(cuda_linear_test, backward_is_the_hosts) {
  for (const auto& of : shapes) {
    auto stepped = random_layer(of);
    auto whole = whole_layer(of);
    expect_backward(stepped, 1.0f, 0.0f);
    expect_backward(whole, -0.3f, 0.9f);
  }
}

TEST_P(cuda_linear_test, beta_zero_does_not_read) {
  for (const auto& of : shapes) {
    auto x = whole_layer(of);
    auto bounds = magnitudes(x);
    x.gradient = poison(x.gradient.size());
    bounds.backward(host, bounds.gradient, 1.0f, 0.0f);

    on_both([&](device_stream& on) { x.backward(on, x.gradient, 1.0f, 0.0f); });

    expect_near(x.gradient, scaled(bounds.gradient.host(), 1e-5f));
  }
}

TEST_P(cuda_linear_test, without_an_input_gradient_only_weights_learn) {
  auto x = random_layer({3, 10, 20, 30});
  const auto before = bits(x.in_gradient.host());

  on_both([&](device_stream& on) {
    linear_backward(on, {x.in.at(on), 30, 20}, x.weight(on, x.parameters),
        {x.out_gradient.at(on), 30, 30}, {}, {x.weight(on, x.gradient)});
  });

  EXPECT_EQ(bits(x.in_gradient.fetched(gpu())), before);
  expect_near(x.gradient, 1e-4f);
}

// The gradient by the input is that of the weights before the step.
TEST_P(cuda_linear_test, the_sink_may_be_the_weight) {
  for (const auto& of : shapes) {
    auto x = random_layer(of);

    on_both(
        [&](device_stream& on) { x.backward(on, x.parameters, 1.0f, 0.0f); });

    expect_near(x.in_gradient, 1e-4f);
    expect_near(x.parameters, 1e-4f);
  }
}

TEST_P(cuda_linear_test, bf16_rounds_operands_alone) {
  for (const auto& of : shapes) {
    auto stepped = random_layer(of);
    auto whole = whole_layer(of);
    expect_rounding(stepped, activation::relu, 1.0f, 0.0f);
    expect_rounding(whole, activation::none, -0.3f, 0.9f);
  }
}

// Of fewer values one may be next to nothing by chance.
TEST_P(cuda_linear_test, bf16_is_within_a_hundredth_of_the_hosts) {
  for (const auto& of : shapes) {
    auto x = whole_layer(of);
    if (x.out.size() < 500)
      continue;
    x.forward(host, activation::relu);
    x.backward(host, x.gradient, 1.0f, 0.0f);

    x.forward(in_bf16(), activation::relu);
    x.backward(in_bf16(), x.gradient, 1.0f, 0.0f);
    in_bf16().synchronise();

    for (auto part : {&layer::out, &layer::in_gradient, &layer::gradient}) {
      const auto apart = distance((x.*part).fetched(gpu()), (x.*part).host());
      EXPECT_LE(apart, 1e-2);
      EXPECT_GE(apart, 1e-4) << "nothing was rounded";
    }
  }
}

TEST_P(cuda_linear_test, bf16_leaves_parameters_in_fp32) {
  auto x = whole_layer({2, 10, 20, 30});
  const auto before = bits(x.parameters.host());

  x.backward(in_bf16(), x.parameters, 0.0f, 1.0f);
  in_bf16().synchronise();

  EXPECT_EQ(bits(x.parameters.fetched(gpu())), before);
}

/// One lane of several, alone.
std::vector<float> share_of(
    const std::vector<float>& all, std::size_t lane, std::size_t lanes) {
  const auto size = all.size() / lanes;
  return {all.begin() + std::ptrdiff_t(lane * size),
      all.begin() + std::ptrdiff_t((lane + 1) * size)};
}

TEST_P(cuda_linear_test, a_lanes_bits_are_its_own) {
  for (auto of : {shape{7, 10, 100, 130}, shape{7, 40, 33, 21}}) {
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
        x->backward(*on, x->gradient, 1.0f, 0.0f);
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
