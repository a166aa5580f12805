#pragma once

#include <cstddef>

#include "gpu/host/packed_weights.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu::host {

/// A pass of convolution windows over images: forward, or backward by the
/// input, which is the same with the kernel turned around.
struct sliding {
  extents in;
  extents out;
  std::size_t padding = 0;
  packed_weights weights;
  const float* start = nullptr; ///< one value an output; none: 0
  float floor = 0.0f;
};

/// Rows of `in` and `out` are images. `padded` has room for an image with its
/// padding left and right, if there is any.
void slide(const sliding& what, const_matrix in, matrix out, float* padded);

/// Adds the gradient by the weights, over all images, to `sums`.
void slide_backward(const sliding& what, const_matrix in,
    const_matrix out_gradient, float* padded);

/// Floats that a padded image takes.
std::size_t padded_size(const extents& image, std::size_t padding) noexcept;

} // namespace troupe::gpu::host
