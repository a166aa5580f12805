#pragma once

#include <cstddef>
#include <vector>

#include "gpu/training/learner.hpp"

namespace troupe::testing {

/// The gradient of the mean loss over `data` of an MLP, by loops as one would
/// write them by hand, every operation in double precision.
std::vector<double> gradient_in_double(const std::vector<std::size_t>& widths,
    const std::vector<double>& parameters, const training::view& data);

/// One step over all samples of `data`.
void descend_in_double(const std::vector<std::size_t>& widths,
    std::vector<double>& parameters, const training::view& data, double lr);

/// All that `work` asks for, method included, as the papers write it down.
void train_in_double(const std::vector<std::size_t>& widths,
    std::vector<double>& parameters, const training::assignment& work);

/// The largest distance of `actual` from `exact`, relative to the largest of
/// these.
double largest_error(
    const std::vector<float>& actual, const std::vector<double>& exact);

} // namespace troupe::testing
