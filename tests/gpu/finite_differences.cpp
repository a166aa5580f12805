#include "tests/gpu/finite_differences.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace troupe::testing {
namespace {

using block = std::vector<float>;

block random_block(std::size_t size, std::uint64_t seed) {
  gpu::random_stream random{seed, gpu::stream::user};
  block result(size);
  for (auto& value : result)
    value = float(2.0 * random.uniform() - 1.0);
  return result;
}

/// Values on a grid, each a different one, in random order: no two closer to
/// each other or to zero than half the spacing, which is what a kink needs.
block spread_block(std::size_t size, std::uint64_t seed) {
  std::vector<std::uint32_t> order(size);
  for (std::size_t i = 0; i < size; ++i)
    order[i] = std::uint32_t(i);
  gpu::random_stream{seed, gpu::stream::user}.shuffle(order);
  block result(size);
  for (std::size_t i = 0; i < size; ++i)
    result[i] = 2.0f * (float(order[i]) + 0.5f) / float(size) - 1.0f;
  return result;
}

/// A layer's forward pass as a function of its parameters and inputs.
class subject {
public:
  subject(const gpu::layer& layer, gpu::extents in, std::size_t samples)
      : layer_(layer),
        samples_(samples),
        in_(in.size()),
        out_(layer.output().size()),
        weighting_(random_block(samples * out_, 3)),
        kept_(layer.kept(samples)),
        workspace_(layer.workspace(samples)) {}

  double loss(const block& parameters, const block& in) {
    outputs_.resize(samples_ * out_);
    layer_.forward(on_, parameters, {in, samples_, in_},
        {outputs_, samples_, out_}, memory());
    double sum = 0.0;
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      sum += double(weighting_[i]) * double(outputs_[i]);
    return sum;
  }

  void gradients(const block& parameters, const block& in, block& in_gradient,
      block& parameter_gradient) {
    loss(parameters, in);
    auto out_gradient = weighting_;
    layer_.backward(on_, parameters, {in, samples_, in_},
        {outputs_, samples_, out_}, {out_gradient, samples_, out_},
        {in_gradient, samples_, in_}, {parameter_gradient}, memory());
  }

private:
  gpu::layer_memory memory() { return {kept_, workspace_}; }

  gpu::device_stream on_;
  const gpu::layer& layer_;
  std::size_t samples_;
  std::size_t in_;
  std::size_t out_;
  block weighting_;
  block kept_;
  block workspace_;
  block outputs_;
};

/// Moves each element of `at` a little both ways.
template <class Loss>
double largest_error(block& at, const block& gradient, Loss loss) {
  auto scale = 1e-3;
  for (auto value : gradient)
    scale = std::max(scale, std::abs(double(value)));
  auto error = 0.0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto kept = at[i];
    at[i] = kept + 1.0f / 512.0f;
    const auto above = double(at[i]);
    const auto loss_above = loss();
    at[i] = kept - 1.0f / 512.0f;
    const auto difference = (loss_above - loss()) / (above - double(at[i]));
    at[i] = kept;
    error = std::max(error, std::abs(difference - double(gradient[i])));
  }
  return error / scale;
}

} // namespace

gradient_errors compare_with_finite_differences(
    const gpu::layer& layer, gpu::extents in, std::size_t samples) {
  subject what{layer, in, samples};
  auto inputs = spread_block(samples * in.size(), 1);
  auto parameters = random_block(gpu::size(layer.parameters()), 2);
  block in_gradient(inputs.size());
  block parameter_gradient(parameters.size());

  what.gradients(parameters, inputs, in_gradient, parameter_gradient);

  const auto loss = [&] { return what.loss(parameters, inputs); };
  return {largest_error(inputs, in_gradient, loss),
      largest_error(parameters, parameter_gradient, loss)};
}

} // namespace troupe::testing
