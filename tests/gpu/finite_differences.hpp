#pragma once

#include <cstddef>
#include <span>

#include "gpu/layers/layer.hpp"

namespace troupe::testing {

/// The largest distance between a layer's gradients and finite differences of
/// its forward pass, relative to the largest gradient.
struct gradient_errors {
  double in = 0.0;
  double parameters = 0.0;
};

/// Takes the layer forward and back for `samples` random samples. The loss is a
/// random weighting of all outputs, summed in double; parameters and inputs are
/// drawn so that few of them come near a kink of ReLU or max-pooling.
gradient_errors compare_with_finite_differences(
    const gpu::layer& layer, gpu::extents in, std::size_t samples);

} // namespace troupe::testing
