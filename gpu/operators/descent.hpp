#pragma once

#include "gpu/device_stream.hpp"
#include "gpu/lanes.hpp"

namespace troupe::gpu {

/// How a step of gradient descent is taken; see `sgd` for the order.
struct descent {
  float lr = 0.05f; ///< where lanes have steps, their own rates count
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f; ///< largest norm of a lane's whole gradient; 0: none
};

/// One step of every lane, or of those whose steps say that a batch is
/// complete. `moving` says whether there is a velocity, unless the steps do;
/// without momentum `velocity` may be empty. Norms are summed in double.
void descend(device_stream& on, const descent& how, const_lanes gradient,
    bool moving, lanes velocity, lanes parameters);

} // namespace troupe::gpu
