#include "gpu/layers/max_pool.hpp"

namespace troupe::gpu {

void max_pool_layer::forward(device_stream& on, const_lanes, const_matrix in,
    matrix out, const layer_memory&) const {
  max_pool(on, what_, then_, in, out);
}

void max_pool_layer::backward(device_stream& on, const_lanes, const_matrix in,
    const_matrix out, matrix out_gradient, matrix in_gradient, gradient_sink,
    const layer_memory&) const {
  if (in_gradient.rows > 0)
    max_pool_backward(on, what_, then_, in, out, out_gradient, in_gradient);
}

} // namespace troupe::gpu
