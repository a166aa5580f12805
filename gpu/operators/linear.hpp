#pragma once

#include "gpu/device_stream.hpp"
#include "gpu/operators/activations.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// out = activation(in * weight^T + bias), weight [outputs, inputs]. With
/// several lanes, each has its own weight, bias and rows of `in` and `out`.
void linear_forward(device_stream& on, const_matrix in, const_lanes weight,
    const_lanes bias, activation then, matrix out);

/// in_gradient = out_gradient * weight, unless that has no rows; and the
/// gradient by the weight, out_gradient^T * in, to `to`, which may be the
/// weight itself: the gradient by the input is that of the weight before it
/// changes.
void linear_backward(device_stream& on, const_matrix in, const_lanes weight,
    const_matrix out_gradient, matrix in_gradient, gradient_sink to);

} // namespace troupe::gpu
