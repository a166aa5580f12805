#include "gpu/layers/linear.hpp"

#include "gpu/operators/products.hpp"
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

void linear::forward(device_stream& on, std::span<const float> parameters,
    const_matrix in, matrix out) {
  const const_matrix weight{parameters.first(weights()), outputs_, inputs_};
  multiply(on, in, weight.t(), out);
  add_bias(on, parameters.subspan(weights()), then_, out);
}

void linear::backward(device_stream& on, std::span<const float> parameters,
    const_matrix in, const_matrix out, matrix out_gradient, matrix in_gradient,
    gradient_sink to) {
  const const_matrix weight{parameters.first(weights()), outputs_, inputs_};
  if (then_ == activation::relu)
    relu_backward(on, out.span(), out_gradient.span());
  if (in_gradient.rows > 0)
    multiply(on, out_gradient, weight, in_gradient);
  const matrix into{to.destination.first(weights()), outputs_, inputs_};
  multiply(on, const_matrix{out_gradient}.t(), in, into, to.alpha, to.beta);
  sum_columns(on, out_gradient, to.part(weights(), outputs_));
}

} // namespace troupe::gpu
