#pragma once

#include "gpu/device_stream.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// Images inside a network have their channels last; data sets, and the vectors
/// that PyTorch flattens images to, have them first. Rows are samples.
void channels_first(
    device_stream& on, const extents& sample, const_matrix in, matrix out);

/// The way back.
void channels_last(
    device_stream& on, const extents& sample, const_matrix in, matrix out);

} // namespace troupe::gpu
