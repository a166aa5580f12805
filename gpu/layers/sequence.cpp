#include "gpu/layers/sequence.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "gpu/layers/lent.hpp"

namespace troupe::gpu {

sequence::sequence(std::vector<named_layer> of) {
  assert(!of.empty() && "a sequence has layers");
  for (auto& [name, computes] : of) {
    const auto offset = size(parameters_);
    for (auto& view : computes->parameters())
      append(parameters_, name + '.' + view.name, view.shape);
    between_ += computes->output().size();
    widest_ = std::max(widest_, computes->output().size());
    layers_.push_back(
        {std::move(computes), {offset, size(parameters_) - offset}});
  }
}

extents sequence::output() const {
  return layers_.back().computes->output();
}

void sequence::initialise(
    std::span<float> parameters, random_stream& random) const {
  for (const auto& now : layers_)
    now.computes->initialise(now.place.of(parameters), random);
}

std::size_t sequence::kept(std::size_t samples) const {
  std::size_t result = 0;
  for (const auto& now : layers_) {
    result += lent::size(now.computes->kept(samples));
    if (&now != &layers_.back())
      result += lent::size(samples * now.computes->output().size());
  }
  return result;
}

// Two gradients, by what a layer leaves and by what it takes.
std::size_t sequence::workspace(std::size_t samples) const {
  std::size_t inside = 0;
  for (const auto& now : layers_)
    inside = std::max(inside, now.computes->workspace(samples));
  return 2 * lent::size(samples * widest_) + inside;
}

void sequence::forward(device_stream& on, const_lanes parameters,
    const_matrix in, matrix out, const layer_memory& with) const {
  const auto parts = parts_of(in.rows, out, with.kept);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto& now = layers_[i];
    now.computes->forward(on, parameters.part(now.place.first, now.place.size),
        in, parts[i].out, {parts[i].kept, with.workspace});
    in = parts[i].out;
  }
}

void sequence::backward(device_stream& on, const_lanes parameters,
    const_matrix in, const_matrix out, matrix out_gradient, matrix in_gradient,
    gradient_sink to, const layer_memory& with) const {
  backward(on, parameters, in, out, out_gradient, in_gradient, to, with, {});
}

void sequence::backward(device_stream& on, const_lanes parameters,
    const_matrix in, const_matrix out, matrix out_gradient, matrix in_gradient,
    gradient_sink to, const layer_memory& with,
    const std::function<void(const range&)>& ready) const {
  const auto rows = in.rows;
  const auto parts = parts_of(rows, {}, with.kept);
  lent workspace{with.workspace};
  std::span<float> gradients[2];
  for (auto& gradient : gradients)
    gradient = workspace.take(rows * widest_);
  for (auto i = layers_.size(); i-- > 0;) {
    const auto& now = layers_[i];
    // Else nothing before it learns.
    const auto goes_on = i > 0 && (in_gradient.rows > 0 || now.place.first > 0);
    auto by_in = i > 0 ? matrix{} : in_gradient;
    if (goes_on) {
      const auto width = layers_[i - 1].computes->output().size();
      by_in = {gradients[i % 2].first(rows * width), rows, width};
    }
    const auto last = i + 1 == layers_.size();
    now.computes->backward(on, parameters.part(now.place.first, now.place.size),
        i == 0 ? in : const_matrix{parts[i - 1].out},
        last ? out : const_matrix{parts[i].out}, out_gradient, by_in,
        to.part(now.place.first, now.place.size),
        {parts[i].kept, workspace.rest()});
    if (ready && now.place.size > 0)
      ready(now.place);
    if (!goes_on)
      return;
    out_gradient = by_in;
  }
}

std::vector<sequence::left> sequence::parts_of(
    std::size_t samples, matrix out, std::span<float> kept) const {
  lent memory{kept};
  std::vector<left> result;
  for (const auto& now : layers_) {
    const auto width = now.computes->output().size();
    const auto leaves =
        &now == &layers_.back()
            ? out
            : matrix{memory.take(samples * width), samples, width};
    result.push_back({leaves, memory.take(now.computes->kept(samples))});
  }
  return result;
}

} // namespace troupe::gpu
