#pragma once

#include <cstddef>

#include "gpu/tensor.hpp"

namespace troupe::gpu::host {

/// The gradient by the input of a convolution without padding: what each window
/// gives to one row of its pixels is computed, for all windows of an image, and
/// added where it belongs. `weights` is [kernel row, out channel, kernel
/// column, in channel]. Beside sliding the turned kernel over the padded
/// gradient it multiplies no zeroes, and a window's row fills vectors where few
/// channels would not.
struct scattering {
  extents in;
  extents out;
  std::size_t kernel = 1;
  const float* weights = nullptr;
};

/// Rows are images. `given` has room for what all windows of an image give to
/// one row of their pixels each: out.height x out.width x kernel x in.channels.
void scatter(const scattering& what, const_matrix out_gradient,
    matrix in_gradient, float* given);

} // namespace troupe::gpu::host
