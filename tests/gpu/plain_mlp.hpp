#pragma once

#include <cstdint>
#include <vector>

#include "gpu/training/learner.hpp"

namespace troupe::testing {

/// Whose matrix products a plain loop calls.
enum class products : std::uint8_t { blas, ours };

/// Local training of an MLP as one would write it by hand: loops, and calls of
/// BLAS or of our operators. Momentum, weight decay and clipping are left out.
training::outcome train_plain_mlp(const std::vector<std::size_t>& widths,
    std::vector<float>& parameters, const training::assignment& work,
    products by);

} // namespace troupe::testing
