#include "gpu/operators/linear.hpp"

#include "gpu/host/few_rows.hpp"
#include "gpu/operators/products.hpp"

#include <limits>

namespace troupe::gpu {

void linear_forward(device_stream& on, const_matrix in, const_matrix weight,
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

void linear_backward(device_stream& on, const_matrix in, const_matrix weight,
    const_matrix out_gradient, matrix in_gradient, gradient_sink to) {
  if (in.rows <= host::few_rows) {
    host::backward_few(in, weight, out_gradient, in_gradient, to);
  } else {
    if (in_gradient.rows > 0)
      multiply(on, out_gradient, weight, in_gradient);
    multiply(on, out_gradient.t(), in,
        {to.destination, weight.rows, weight.columns}, to.alpha, to.beta);
  }
}

} // namespace troupe::gpu
