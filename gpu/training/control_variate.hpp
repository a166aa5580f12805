#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gpu/buffer.hpp"
#include "gpu/training/recipe.hpp"

namespace troupe::training {

/// What clients keep where `recipe::keeps_variates`, a value a parameter: their
/// control variate c_i, which is zero before their first update counts. It is
/// added to their gradients as a correction, which makes up for how their own
/// data pull:
///
///     scaffold    v - c_i    c_i - v - d / (lr a)     Karimireddy et al. 2020,
///                                                     Algorithm 1, option II
///     feddyn       -c_i      c_i - alpha d            Acar et al. 2021,
///                                                     Algorithm 1
///                 added      and after the training
///
/// with v the server's, d the client's trained - given, lr the lease's rate and
/// a what its steps amount to (`amount_of`). The correction is a part of the
/// gradient, so it goes through clipping and momentum; a is then the sum of the
/// factors that each gradient counts by, so that without clipping d / (lr a) is
/// a mean of gradients. Blocks are on the host; a null one is zero.

/// Null: nothing is to be added. Throws `std::invalid_argument` where a block
/// has not so many values as there are parameters.
gpu::shared_buffer correction(const recipe& how, const gpu::shared_buffer& own,
    const gpu::shared_buffer& server, std::size_t parameters);

/// What the client keeps behind an update: from the correction that its
/// training had, in double, rounded once. An update of no step leaves `own`.
gpu::shared_buffer next_variate(const recipe& how, std::uint64_t version,
    const gpu::shared_buffer& own, const gpu::shared_buffer& correction,
    std::span<const float> delta, std::uint64_t steps);

} // namespace troupe::training
