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

/// What is added to each lane's gradient before anything else, in this order;
/// empty: nothing.
struct drift {
  const_lanes start{};      ///< that `descent::pull` leads back to
  const_lanes correction{}; ///< as it is
};

/// One step of every lane, or of those whose steps say that a batch is
/// complete. `moving` says whether there is a velocity, unless the steps do;
/// without momentum `velocity` may be empty. Norms are summed in double. What
/// `more` adds is left in `gradient`.
void descend(device_stream& on, const descent& how, lanes gradient, bool moving,
    lanes velocity, lanes parameters, const drift& more = {});

} // namespace troupe::gpu
