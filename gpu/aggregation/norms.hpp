#pragma once

#include <span>
#include <vector>

#include "gpu/aggregation/updates.hpp"
#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// The Euclidean norm of each update, whatever their sizes, in double and in
/// `ordered`'s order: the same bits on every device. Infinite or NaN if any of
/// the values is. Waits for the stream.
std::vector<double> norms(device_stream& on, updates of);

/// Whether the norm of an update on the host is above `bound`, or none.
bool is_longer(std::span<const float> update, double bound);

/// The squared norms of of[i] - from[i], in the same order; with nothing to
/// subtract, of the updates themselves. Waits for the stream.
std::vector<double> squared_norms(
    device_stream& on, updates of, updates from = {});

/// Scales each update whose norm is above `bound` down to it, in place (Pascanu
/// et al. 2013, "On the difficulty of training recurrent neural networks"), and
/// returns the factors: 1 where nothing changed, and NaN where values are not
/// finite, which stay as they are for the accumulator to refuse. Values are
/// rounded once, so that a norm ends at most 2^-24 of it above the bound.
/// Requires bound > 0. Waits for the stream.
std::vector<double> clip_to_norm(
    device_stream& on, std::span<const std::span<float>> of, double bound);

} // namespace troupe::gpu
