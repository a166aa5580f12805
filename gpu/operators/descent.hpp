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
  float pull = 0.0f; ///< FedProx's mu: back to where a lane started
};

/// One step of every lane, or of those whose steps say that a batch is
/// complete. `moving` says whether there is a velocity, unless the steps do;
/// without momentum `velocity` may be empty. Norms are summed in double. With a
/// pull, `start` has the parameters that each lane began with, and the pull is
/// left in `gradient`.
void descend(device_stream& on, const descent& how, lanes gradient, bool moving,
    lanes velocity, lanes parameters, const_lanes start = {});

} // namespace troupe::gpu
