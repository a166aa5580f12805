#include "gpu/layers/relu.hpp"

#include "gpu/operators/activations.hpp"
#include "gpu/operators/vectors.hpp"

namespace troupe::gpu {

void relu_layer::forward(device_stream& on, const_lanes, const_matrix in,
    matrix out, const layer_memory&) const {
  relu(on, in.span(), out.span());
}

void relu_layer::backward(device_stream& on, const_lanes, const_matrix,
    const_matrix out, matrix out_gradient, matrix in_gradient, gradient_sink,
    const layer_memory&) const {
  if (in_gradient.rows == 0)
    return;
  relu_backward(on, out.span(), out_gradient.span());
  scale_and_add(on, 1.0f, out_gradient.span(), 0.0f, in_gradient.span());
}

} // namespace troupe::gpu
