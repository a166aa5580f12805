#include "gpu/operators/activations.hpp"

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

float cut(float x) {
  return x < 0.0f ? 0.0f : x;
}

} // namespace

void add_bias(
    device_stream& on, std::span<const float> bias, activation then, matrix x) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::add_bias(on, bias, then, x);
  assert(bias.size() == x.columns && "one bias a column");
  for (std::size_t row = 0; row < x.rows; ++row) {
    auto* to = x.data + row * x.columns;
    if (then == activation::relu)
      for (std::size_t i = 0; i < x.columns; ++i)
        to[i] = cut(to[i] + bias[i]);
    else
      for (std::size_t i = 0; i < x.columns; ++i)
        to[i] += bias[i];
  }
}

void relu(device_stream& on, std::span<const float> in, std::span<float> out) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::relu(on, in, out);
  assert(in.size() == out.size());
  for (std::size_t i = 0; i < in.size(); ++i)
    out[i] = cut(in[i]);
}

void relu_backward(
    device_stream& on, std::span<const float> out, std::span<float> gradient) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::relu_backward(on, out, gradient);
  assert(out.size() == gradient.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    gradient[i] = out[i] == 0.0f ? 0.0f : gradient[i];
}

} // namespace troupe::gpu
