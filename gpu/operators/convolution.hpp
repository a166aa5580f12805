#pragma once

#include <cstddef>
#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/operators/activations.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// A square kernel that passes over images one pixel at a time, with `padding`
/// zeroes at every edge. Images have their channels last; weights are
/// [out channels, in channels, kernel, kernel], as PyTorch has them.
struct convolution {
  extents in;
  std::size_t channels = 0; ///< that leave
  std::size_t kernel = 1;
  std::size_t padding = 0; ///< below `kernel`

  extents out() const noexcept {
    return {in.height + 2 * padding - kernel + 1,
        in.width + 2 * padding - kernel + 1, channels};
  }
  std::size_t weights() const noexcept {
    return channels * in.channels * kernel * kernel;
  }
  /// Floats of workspace that each of the three operators takes on a CPU.
  std::size_t workspace() const noexcept;
};

/// out = activation(in * weight + bias). With several lanes, each has its own
/// weight, bias and rows of the matrices, here and below.
void convolve(device_stream& on, const convolution& what, const_lanes weight,
    const_lanes bias, activation then, const_matrix in, matrix out,
    std::span<float> workspace);

/// The gradient by the input.
void convolve_backward_input(device_stream& on, const convolution& what,
    const_lanes weight, const_matrix out_gradient, matrix in_gradient,
    std::span<float> workspace);

/// The gradient by the weights.
void convolve_backward_weight(device_stream& on, const convolution& what,
    const_matrix in, const_matrix out_gradient, gradient_sink to,
    std::span<float> workspace);

} // namespace troupe::gpu
