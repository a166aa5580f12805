#pragma once

#include <cstddef>

#include "gpu/device_stream.hpp"
#include "gpu/operators/activations.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// Windows of `window` x `window` pixels, side by side. Rows and columns at the
/// far edges that fill no window are left out.
struct pooling {
  extents in;
  std::size_t window = 2;

  extents out() const noexcept {
    return {in.height / window, in.width / window, in.channels};
  }
};

/// out = activation(the largest of each window); NaN counts as the largest.
void max_pool(device_stream& on, const pooling& what, activation then,
    const_matrix in, matrix out);

/// Hands each gradient to the first place in its window that holds the largest
/// value, and zero to all others; with ReLU, also zero where it cut.
void max_pool_backward(device_stream& on, const pooling& what, activation then,
    const_matrix in, const_matrix out, const_matrix out_gradient,
    matrix in_gradient);

} // namespace troupe::gpu
