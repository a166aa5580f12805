#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gpu/layers/layer.hpp"
#include "gpu/models/model.hpp"

namespace troupe::models {

/// A layer that computes, under the name that its parameters go by.
struct named_layer {
  std::string name; ///< "conv1", "fc2"; empty where there are no parameters
  std::unique_ptr<gpu::layer> layer;
};

/// Makes the layers that compute what `what` describes, with each ReLU folded
/// into the layer before it where that can take it.
/// Throws `std::invalid_argument` when they do not fit together.
std::vector<named_layer> assemble(const model& what, gpu::device where);

} // namespace troupe::models
