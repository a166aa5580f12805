#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "gpu/device_stream.hpp"
#include "gpu/layout.hpp"
#include "gpu/range.hpp"

namespace troupe::gpu {

/// Norms are made of one sum of squares for each *tile*: 1,024 values of one
/// tensor, its last tile what is left. Who has which tiles does not matter
/// then: their sums are added in their order.
inline constexpr std::size_t tile_values = 1024;

/// How many tiles there are.
std::size_t tiles_of(const layout& views) noexcept;

/// Cuts the block into so many ranges one behind the other, each border between
/// the tiles that are nearest to an even cut's; some may be empty.
std::vector<range> cut_between_tiles(const layout& views, std::size_t parts);
/// The tiles [first, first + size) that such a range has.
range tiles_within(const layout& views, const range& of);

/// sums[i] = the sum of squares of the range's i-th tile, in double, added in
/// an order that the tile alone has a say in. `values` are those of the range;
/// it begins and ends between tiles. `sums` are on the host: waits for the
/// stream.
void squared_norms(device_stream& on, const layout& views, const range& of,
    std::span<const float> values, std::span<double> sums);

/// All tiles' sums, added in their order.
double sum_in_order(std::span<const double> tiles) noexcept;

/// What a gradient of this squared norm is to be multiplied by, so that its
/// norm is `clip` at most; 1 where it is, or with clip = 0. PyTorch's
/// clip_grad_norm_ adds 1e-6 to the norm, and so does this.
float clip_scale(double squared_norm, float clip) noexcept;

} // namespace troupe::gpu
