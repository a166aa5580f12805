#include "gpu/models/assemble.hpp"

#include "gpu/layers/conv2d.hpp"
#include "gpu/layers/flatten.hpp"
#include "gpu/layers/linear.hpp"
#include "gpu/layers/max_pool.hpp"
#include "gpu/layers/relu.hpp"
#include "gpu/layers/unflatten.hpp"

#include <algorithm>
#include <stdexcept>

namespace troupe::models {
namespace {

std::string describe(const gpu::extents& x) {
  if (x.height == 1 && x.width == 1)
    return "a vector of " + std::to_string(x.channels);
  return std::to_string(x.channels) + " channels of " +
         std::to_string(x.height) + " x " + std::to_string(x.width);
}

/// Takes the described layers in order and keeps the extents that a sample has.
class assembler {
public:
  assembler(const model& what, gpu::device where)
      : what_(what), where_(where), layers_(what.layers) {
    pool_before_relu();
    enter();
  }

  std::vector<gpu::named_layer> run() {
    if (what_.layers.empty())
      fail("has no layers");
    for (at_ = 0; at_ < layers_.size(); ++at_)
      std::visit(*this, layers_[at_]);
    if (sample_ != gpu::extents{1, 1, what_.classes})
      fail("leaves " + describe(sample_) + " for " +
           std::to_string(what_.classes) + " classes");
    return std::move(result_);
  }

  void operator()(const linear& x) {
    if (is_image())
      fail("linear takes a vector and gets " + describe(sample_) +
           "; put flatten before it");
    if (x.outputs == 0)
      fail("linear has no outputs");
    add("fc" + std::to_string(++linears_),
        std::make_unique<gpu::linear>(
            sample_.channels, x.outputs, take_activation()));
  }

  void operator()(const conv2d& x) {
    const auto shorter = std::min(sample_.height, sample_.width);
    if (x.kernel == 0 || x.channels == 0 || x.padding >= x.kernel ||
        x.kernel > shorter + 2 * x.padding)
      fail("conv2d of " + std::to_string(x.channels) + " channels, kernel " +
           std::to_string(x.kernel) + ", padding " + std::to_string(x.padding) +
           " does not fit " + describe(sample_));
    const gpu::convolution what{sample_, x.channels, x.kernel, x.padding};
    add("conv" + std::to_string(++convolutions_),
        std::make_unique<gpu::conv2d>(what, take_activation(), where_));
  }

  void operator()(const max_pool& x) {
    const auto shorter = std::min(sample_.height, sample_.width);
    if (x.window == 0 || x.window > shorter)
      fail("max_pool with a window of " + std::to_string(x.window) +
           " does not fit " + describe(sample_));
    add("", std::make_unique<gpu::max_pool_layer>(
                gpu::pooling{sample_, x.window}, take_activation()));
  }

  void operator()(const relu&) {
    add("", std::make_unique<gpu::relu_layer>(sample_));
  }

  void operator()(const flatten&) {
    add("", std::make_unique<gpu::flatten>(sample_));
  }

private:
  /// The largest of some cut values is the cut largest value: both orders give
  /// the same values, and ReLU after the pooling has less to do.
  void pool_before_relu() {
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i)
      if (std::holds_alternative<relu>(layers_[i]) &&
          std::holds_alternative<max_pool>(layers_[i + 1]))
        std::swap(layers_[i], layers_[i + 1]);
  }

  void enter() {
    const auto& shape = what_.shape;
    if (shape.size() == 1)
      sample_ = {1, 1, shape[0]};
    else if (shape.size() == 3)
      sample_ = {shape[1], shape[2], shape[0]};
    else
      fail("takes samples of one extent, or of channels x height x width");
    if (sample_.size() == 0)
      fail("takes empty samples");
    if (is_image() && sample_.channels > 1)
      add("", std::make_unique<gpu::unflatten>(sample_));
  }

  bool is_image() const { return sample_.height * sample_.width > 1; }

  /// Takes the ReLU behind the present layer into it, if there is one.
  gpu::activation take_activation() {
    const auto next = at_ + 1;
    if (next == layers_.size() || !std::holds_alternative<relu>(layers_[next]))
      return gpu::activation::none;
    at_ = next;
    return gpu::activation::relu;
  }

  void add(std::string name, std::unique_ptr<gpu::layer> layer) {
    sample_ = layer->output();
    result_.push_back({std::move(name), std::move(layer)});
  }

  [[noreturn]] void fail(const std::string& why) const {
    auto text = "model " + what_.name;
    if (at_ < layers_.size())
      text += ", layer " + std::to_string(at_ + 1);
    throw std::invalid_argument(text + ": " + why);
  }

  const model& what_;
  gpu::device where_;
  std::vector<layer> layers_; // in the order in which they compute
  std::vector<gpu::named_layer> result_;
  gpu::extents sample_;
  std::size_t at_ = std::size_t(-1); // before the first layer
  std::size_t convolutions_ = 0;
  std::size_t linears_ = 0;
};

} // namespace

std::vector<gpu::named_layer> assemble(const model& what, gpu::device where) {
  return assembler{what, where}.run();
}

} // namespace troupe::models
