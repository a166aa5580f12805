#include "gpu/layers/max_pool.hpp"

#include <algorithm>

namespace troupe::gpu {

void max_pool_layer::forward(
    device_stream& on, std::span<const float>, const_matrix in, matrix out) {
  places_.resize(std::max(places_.size(), out.size()));
  max_pool(on, what_, then_, in, out, std::span{places_}.first(out.size()));
}

void max_pool_layer::backward(device_stream& on, std::span<const float>,
    const_matrix, const_matrix out, matrix out_gradient, matrix in_gradient,
    gradient_sink) {
  if (in_gradient.rows > 0)
    max_pool_backward(on, what_, then_, out,
        std::span{places_}.first(out.size()), out_gradient, in_gradient);
}

} // namespace troupe::gpu
