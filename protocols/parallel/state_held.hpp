#pragma once

#include "protocols/blocks.hpp"
#include "protocols/tensor.hpp"

#include <cstdint>

namespace troupe::parallel {

/// All that training goes on from: what ranks make of the seed, or what they
/// have handed over.
struct state_held {
  std::uint64_t step = 0;
  tensor parameters; ///< none: of step 0, drawn from the seed
  named_blocks blocks;
};

} // namespace troupe::parallel
