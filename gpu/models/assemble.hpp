#pragma once

#include <vector>

#include "gpu/layers/sequence.hpp"
#include "gpu/models/model.hpp"

namespace troupe::models {

/// Makes the layers that compute what `what` describes, with each ReLU folded
/// into the layer before it where that can take it.
/// Throws `std::invalid_argument` when they do not fit together.
std::vector<gpu::named_layer> assemble(const model& what, gpu::device where);

} // namespace troupe::models
