#include "gpu/cuda/dnn.hpp"
#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/stream.hpp"

#include <algorithm>

namespace troupe::gpu::cuda {
namespace {

using pass = dnn::pass;

/// How cuDNN makes one model's convolution; null for what is ours: lanes, whose
/// bits do not depend on how many there are, bf16, and what cuDNN cannot do.
const dnn::plan* plan_for(const device_stream& on, pass which,
    const convolution& what, const const_lanes& weight, std::size_t images) {
  if (weight.count != 1 || weight.steps != nullptr || images == 0 ||
      on.products() != precision::fp32)
    return nullptr;
  auto* library = of(on).convolutions();
  return library != nullptr ? library->find(which, what, images) : nullptr;
}

/// What a pass needs beside its operands: weights in cuDNN's order, a row for
/// each out channel, and as much again or more, which is its workspace.
struct room {
  matrix weight;
  float* workspace;

  room(const device_stream& on, const convolution& what, const dnn::plan& by) {
    constexpr std::size_t alignment = 256;
    const auto bytes = (what.weights() * sizeof(float) + alignment - 1) /
                       alignment * alignment;
    auto* all = static_cast<float*>(
        of(on).scratch(bytes + std::max(bytes, by.workspace())));
    weight = {
        {all, what.weights()}, what.channels, what.weights() / what.channels};
    workspace = all + bytes / sizeof(float);
  }
};

std::size_t places(const convolution& what) {
  return what.kernel * what.kernel;
}

/// With the in channels of a place side by side.
void pack(device_stream& on, const convolution& what, const const_lanes& weight,
    matrix to) {
  cuda::transpose_each(on, what.in.channels, places(what),
      {weight.span(), to.rows, to.columns}, to);
}

} // namespace

void convolve(device_stream& on, const convolution& what, const_lanes weight,
    const_lanes bias, activation then, const_matrix in, matrix out) {
  const auto* by = plan_for(on, pass::forward, what, weight, in.rows);
  if (by == nullptr)
    return convolve_lanes(on, what, weight, bias, then, in, out);
  const room here{on, what, *by};
  pack(on, what, weight, here.weight);
  by->run(in.data, here.weight.data, out.data, here.workspace);
  of(on).launched();
  cuda::add_bias(on, bias.span(), then,
      {out.span(), out.size() / what.channels, what.channels});
}

void convolve_backward_input(device_stream& on, const convolution& what,
    const_lanes weight, const_matrix out_gradient, matrix in_gradient) {
  const auto* by =
      plan_for(on, pass::backward_input, what, weight, out_gradient.rows);
  if (by == nullptr)
    return convolve_lanes_backward_input(
        on, what, weight, out_gradient, in_gradient);
  const room here{on, what, *by};
  pack(on, what, weight, here.weight);
  by->run(
      here.weight.data, out_gradient.data, in_gradient.data, here.workspace);
  of(on).launched();
}

void convolve_backward_weight(device_stream& on, const convolution& what,
    const_matrix in, const_matrix out_gradient, gradient_sink to) {
  const auto* by =
      plan_for(on, pass::backward_weight, what, to.destination, in.rows);
  if (by == nullptr)
    return convolve_lanes_backward_weight(on, what, in, out_gradient, to);
  const room here{on, what, *by};
  by->run(in.data, out_gradient.data, here.weight.data, here.workspace);
  of(on).launched();
  const matrix gradient{
      {here.workspace, what.weights()}, what.channels, here.weight.columns};
  cuda::transpose_each(
      on, places(what), what.in.channels, here.weight, gradient);
  cuda::scale_and_add(
      on, to.alpha, gradient.span(), to.beta, to.destination.span());
}

} // namespace troupe::gpu::cuda
