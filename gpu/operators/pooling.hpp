#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/operators/activations.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// Windows of `window` x `window` pixels, side by side. Rows and columns at the
/// far edges that fill no window are left out.
struct pooling {
  extents in;
  std::size_t window = 2; ///< at most 15

  extents out() const noexcept {
    return {in.height / window, in.width / window, in.channels};
  }
};

/// out = activation(the largest of each window); NaN counts as the largest.
/// `places` keeps where in its window each was, the first of equal ones.
void max_pool(device_stream& on, const pooling& what, activation then,
    const_matrix in, matrix out, std::span<std::uint8_t> places);

/// Hands each gradient to the place that its value came from, and zero to
/// all others; with ReLU, also zero where it had cut the output off.
void max_pool_backward(device_stream& on, const pooling& what, activation then,
    const_matrix out, std::span<const std::uint8_t> places,
    const_matrix out_gradient, matrix in_gradient);

} // namespace troupe::gpu
