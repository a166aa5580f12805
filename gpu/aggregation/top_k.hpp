#pragma once

#include <cstdint>
#include <span>

#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// Finds the k = indices.size() values of largest magnitude, as sparsified
/// updates send them (Aji and Heafield 2017; Lin et al. 2018): exactly k, of
/// equal magnitudes the ones that come first. `indices` ascend, kept[i] is
/// values[indices[i]], with its sign; infinity is a magnitude like others.
///
/// At most 2^31 values. Throws `std::invalid_argument` for more, for a k that
/// is above their number, for `kept` of another size than `indices`, and if any
/// value is NaN, which has no place in the order. Waits for the stream.
/// Scratch memory: 4 bytes a value on a CPU; on a GPU 8 for each one that has
/// the k-th magnitude's leading 11 bits (exponent and 3) or is above.
void top_k(device_stream& on, std::span<const float> values,
    std::span<std::uint32_t> indices, std::span<float> kept);

} // namespace troupe::gpu
