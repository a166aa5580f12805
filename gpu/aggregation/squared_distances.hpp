#pragma once

#include <vector>

#include "gpu/aggregation/updates.hpp"
#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// The squared Euclidean distance between every two of m updates, row by row,
/// m x m, as Krum (Blanchard et al. 2017) and its kin ask for them. Symmetric;
/// none is negative, and equal updates are exactly 0 apart.
///
/// They come from the Gram matrix of the updates' differences to the first one:
/// a product of matrices, taken in fp32 over some columns at a time and summed
/// in double. Where that would cancel (a distance below 1/64 of the squared
/// norms it comes from, or anything not finite), the two are subtracted value
/// by value instead, in double. Relative error: 1e-3 at most, and about 1e-5.
/// Updates that are not finite are NaN or infinity away from others.
///
/// Takes up to `updates_limit` of one size, or throws `std::invalid_argument`.
/// Waits for the stream.
std::vector<double> squared_distances(device_stream& on, updates of);

} // namespace troupe::gpu
