#include "gpu/layers/unflatten.hpp"

#include "gpu/operators/images.hpp"

namespace troupe::gpu {

void unflatten::forward(device_stream& on, const_lanes, const_matrix in,
    matrix out, const layer_memory&) const {
  channels_last(on, sample_, in, out);
}

void unflatten::backward(device_stream& on, const_lanes, const_matrix,
    const_matrix, matrix out_gradient, matrix in_gradient, gradient_sink,
    const layer_memory&) const {
  if (in_gradient.rows > 0)
    channels_first(on, sample_, out_gradient, in_gradient);
}

} // namespace troupe::gpu
