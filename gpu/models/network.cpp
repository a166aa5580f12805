#include "gpu/models/network.hpp"

#include "gpu/models/assemble.hpp"

#include <algorithm>

namespace troupe::models {

network::network(const model& what, gpu::device where) {
  for (auto& [name, computes] : assemble(what, where)) {
    const auto offset = gpu::size(parameters_);
    for (auto& view : computes->parameters())
      gpu::append(parameters_, name + '.' + view.name, view.shape);
    const auto size = gpu::size(parameters_) - offset;
    widest_ = std::max(widest_, computes->output().size());
    layers_.push_back({std::move(computes), offset, size, {}});
  }
}

std::size_t network::bytes_per_sample() const noexcept {
  auto values = 2 * widest_;
  for (const auto& now : layers_)
    values += now.layer->output().size();
  return values * sizeof(float);
}

void network::initialise(
    std::span<float> parameters, std::uint64_t seed) const {
  gpu::random_stream random{seed, gpu::stream::initialise};
  for (const auto& now : layers_)
    now.layer->initialise(parameters.subspan(now.offset, now.size), random);
}

gpu::const_matrix network::forward(
    gpu::device_stream& on, gpu::const_lanes parameters, gpu::const_matrix in) {
  reserve(on, in.rows);
  in_ = in;
  for (auto& now : layers_) {
    const auto out = rows_of(now.out, now);
    now.layer->forward(on, parameters.part(now.offset, now.size), in, out);
    in = out;
  }
  return in;
}

gpu::matrix network::logits_gradient() {
  return rows_of(gradients_[0], layers_.back());
}

void network::backward(gpu::device_stream& on, gpu::const_lanes parameters,
    gpu::gradient_sink to,
    const std::function<void(const gpu::range&)>& ready) {
  for (auto i = layers_.size(); i-- > 0;) {
    auto& now = layers_[i];
    const auto out_gradient = rows_of(gradients_[0], now);
    gpu::const_matrix in = in_;
    gpu::matrix in_gradient;
    if (i > 0)
      in = rows_of(layers_[i - 1].out, layers_[i - 1]);
    if (now.offset > 0) // else nothing before it learns
      in_gradient = rows_of(gradients_[1], layers_[i - 1]);
    now.layer->backward(on, parameters.part(now.offset, now.size), in,
        rows_of(now.out, now), out_gradient, in_gradient,
        to.part(now.offset, now.size));
    if (ready && now.size > 0)
      ready({now.offset, now.size});
    std::swap(gradients_[0], gradients_[1]);
  }
}

gpu::matrix network::rows_of(gpu::buffer& all, const placed_layer& of) {
  const auto width = of.layer->output().size();
  return {all.span().first(in_.rows * width), in_.rows, width};
}

// In the order of the stream that computes: it may still be at what goes.
void network::reserve(gpu::device_stream& on, std::size_t samples) {
  if (samples <= capacity_)
    return;
  for (auto& now : layers_)
    now.out = gpu::buffer{samples * now.layer->output().size(), on};
  for (auto& gradient : gradients_)
    gradient = gpu::buffer{samples * widest_, on};
  capacity_ = samples;
}

} // namespace troupe::models
