#include "gpu/models/network.hpp"

#include "gpu/models/assemble.hpp"

#include <cassert>
#include <iterator>
#include <utility>
#include <vector>

namespace troupe::models {
namespace {

using named_layers = std::vector<gpu::named_layer>;

std::optional<gpu::sequence> sequence_of(
    named_layers::iterator first, named_layers::iterator last) {
  if (first == last)
    return std::nullopt;
  return gpu::sequence{
      {std::make_move_iterator(first), std::make_move_iterator(last)}};
}

} // namespace

network::network(const model& what, gpu::device where)
    : network(what, {0, layers_of(what)}, where) {}

network::network(const model& what, gpu::range part, gpu::device where)
    : inputs_(gpu::values_in(what.shape)) {
  auto all = assemble(what, where);
  assert(part.size > 0 && part.first + part.size <= all.size() &&
         "a part of the model's layers");
  const auto first = all.begin() + std::ptrdiff_t(part.first);
  if (first != all.begin())
    inputs_ = std::prev(first)->computes->output().size();
  layers_ = sequence_of(first, first + std::ptrdiff_t(part.size));
  before_ = sequence_of(all.begin(), first);
  parameters_ = layers_->parameters();
}

std::size_t network::bytes_per_sample() const noexcept {
  return (layers_->values_between() + 2 * layers_->widest()) * sizeof(float);
}

void network::initialise(
    std::span<float> parameters, std::uint64_t seed) const {
  gpu::random_stream random{seed, gpu::stream::initialise};
  if (before_) {
    std::vector<float> others(gpu::size(before_->parameters()));
    before_->initialise(others, random);
  }
  layers_->initialise(parameters, random);
}

gpu::const_matrix network::forward(gpu::device_stream& on,
    gpu::const_lanes parameters, gpu::const_matrix in, trace& left) const {
  left.begin(on, *layers_, in);
  layers_->forward(on, parameters, in, left.out(), left.memory());
  return left.out();
}

void network::backward(gpu::device_stream& on, gpu::const_lanes parameters,
    trace& left, gpu::gradient_sink to,
    const std::function<void(const gpu::range&)>& ready,
    gpu::matrix in_gradient) const {
  layers_->backward(on, parameters, left.in_, left.out(), left.out_gradient(),
      in_gradient, to, left.memory(), ready);
}

std::size_t layers_of(const model& what) {
  return assemble(what, {}).size();
}

} // namespace troupe::models
