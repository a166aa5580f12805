#include "gpu/operators/linear.hpp"

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/host/each_lane.hpp"
#include "gpu/host/few_rows.hpp"
#include "gpu/operators/products.hpp"

#include <limits>

namespace troupe::gpu {
namespace {

void forward_one(device_stream& on, const_matrix in, const_matrix weight,
    std::span<const float> bias, activation then, matrix out) {
  if (in.rows <= host::few_rows) {
    const auto floor = then == activation::relu
                           ? 0.0f
                           : -std::numeric_limits<float>::infinity();
    host::forward_few(in, weight, bias, floor, out);
  } else {
    multiply(on, in, weight.t(), out);
    add_bias(on, bias, then, out);
  }
}

void backward_one(device_stream& on, const_matrix in, const_matrix weight,
    const_matrix out_gradient, matrix in_gradient, gradient_sink to) {
  if (in.rows <= host::few_rows) {
    host::backward_few(in, weight, out_gradient, in_gradient, to);
  } else {
    if (in_gradient.rows > 0)
      multiply(on, out_gradient, weight, in_gradient);
    multiply(on, out_gradient.t(), in,
        {to.destination.span(), weight.rows, weight.columns}, to.alpha,
        to.beta);
  }
}

} // namespace

void linear_forward(device_stream& on, const_matrix in, const_lanes weight,
    const_lanes bias, activation then, matrix out) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::linear_forward(on, in, weight, bias, then, out);
  host::each_lane(
      weight, in, [&](std::size_t i, std::size_t first, std::size_t n) {
        forward_one(on, in.slice(first, n),
            {weight[i], out.columns, in.columns}, bias[i], then,
            out.slice(first, n));
      });
}

void linear_backward(device_stream& on, const_matrix in, const_lanes weight,
    const_matrix out_gradient, matrix in_gradient, gradient_sink to) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::linear_backward(
          on, in, weight, out_gradient, in_gradient, to);
  host::each_lane(
      weight, in, [&](std::size_t i, std::size_t first, std::size_t n) {
        backward_one(on, in.slice(first, n),
            {weight[i], out_gradient.columns, in.columns},
            out_gradient.slice(first, n),
            in_gradient.rows > 0 ? in_gradient.slice(first, n) : matrix{},
            to.lane(i));
      });
}

} // namespace troupe::gpu
