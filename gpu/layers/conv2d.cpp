#include "gpu/layers/conv2d.hpp"

#include "gpu/operators/reductions.hpp"

namespace troupe::gpu {

conv2d::conv2d(convolution what, activation then, device where)
    : what_(what),
      then_(then),
      workspace_(where.kind == device_kind::cpu ? what.workspace() : 0) {}

layout conv2d::parameters() const {
  layout views;
  append(views, "weight",
      {what_.channels, what_.in.channels, what_.kernel, what_.kernel});
  append(views, "bias", {what_.channels});
  return views;
}

void conv2d::initialise(
    std::span<float> parameters, random_stream& random) const {
  initialise_uniform(
      parameters, what_.in.channels * what_.kernel * what_.kernel, random);
}

void conv2d::forward(device_stream& on, const_lanes parameters, const_matrix in,
    matrix out, const layer_memory& with) const {
  convolve(on, what_, parameters.part(0, what_.weights()),
      parameters.part(what_.weights(), what_.channels), then_, in, out,
      with.workspace);
}

void conv2d::backward(device_stream& on, const_lanes parameters,
    const_matrix in, const_matrix out, matrix out_gradient, matrix in_gradient,
    gradient_sink to, const layer_memory& with) const {
  if (then_ == activation::relu)
    relu_backward(on, out.span(), out_gradient.span());
  if (in_gradient.rows > 0)
    convolve_backward_input(on, what_, parameters.part(0, what_.weights()),
        out_gradient, in_gradient, with.workspace);
  convolve_backward_weight(
      on, what_, in, out_gradient, to.part(0, what_.weights()), with.workspace);
  const auto pixels = what_.out().height * what_.out().width;
  sum_columns(on,
      {out_gradient.span(), out_gradient.rows * pixels, what_.channels},
      to.part(what_.weights(), what_.channels), pixels);
}

} // namespace troupe::gpu
