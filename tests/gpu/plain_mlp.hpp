#pragma once

#include <vector>

#include "gpu/training/learner.hpp"

namespace troupe::testing {

/// Local training of an MLP as one would write it by hand: BLAS calls, loops
/// and nothing of ours but the order of samples. Momentum, weight decay and
/// clipping are left out.
training::outcome train_plain_mlp(const std::vector<std::size_t>& widths,
    std::vector<float>& parameters, const training::assignment& work);

/// One step over all samples of `data`, every operation in double precision.
void descend_in_double(const std::vector<std::size_t>& widths,
    std::vector<double>& parameters, const training::view& data, double lr);

} // namespace troupe::testing
