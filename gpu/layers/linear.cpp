#include "gpu/layers/linear.hpp"

#include "gpu/operators/linear.hpp"
#include "gpu/operators/reductions.hpp"

namespace troupe::gpu {

linear::linear(std::size_t inputs, std::size_t outputs, activation then)
    : inputs_(inputs), outputs_(outputs), then_(then) {}

layout linear::parameters() const {
  layout views;
  append(views, "weight", {outputs_, inputs_});
  append(views, "bias", {outputs_});
  return views;
}

void linear::initialise(
    std::span<float> parameters, random_stream& random) const {
  initialise_uniform(parameters, inputs_, random);
}

void linear::forward(device_stream& on, const_lanes parameters, const_matrix in,
    matrix out, const layer_memory&) const {
  linear_forward(on, in, parameters.part(0, weights()),
      parameters.part(weights(), outputs_), then_, out);
}

void linear::backward(device_stream& on, const_lanes parameters,
    const_matrix in, const_matrix out, matrix out_gradient, matrix in_gradient,
    gradient_sink to, const layer_memory&) const {
  const auto weight = parameters.part(0, weights());
  if (then_ == activation::relu)
    relu_backward(on, out.span(), out_gradient.span());
  linear_backward(
      on, in, weight, out_gradient, in_gradient, to.part(0, weights()));
  sum_columns(on, out_gradient, to.part(weights(), outputs_));
}

} // namespace troupe::gpu
