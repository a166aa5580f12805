#pragma once

#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// Sums every column of `x`, row after row, into a sink of x.columns values a
/// lane. Each sample has `rows` rows of x.
void sum_columns(
    device_stream& on, const_matrix x, gradient_sink to, std::size_t rows = 1);

/// The sum of all elements, in double, first to last. Waits for the stream.
double sum(device_stream& on, std::span<const float> x);

/// The sum of all squares, in double, in a fixed order. Waits for the stream.
double sum_of_squares(device_stream& on, std::span<const float> x);

/// sums[i] = the sum of the squares of the i-th `tile` values, the last ones
/// what is left, in double, in an order that the tile alone has a say in: the
/// same bits on every device. `sums` are on the stream's device.
void sums_of_squares(device_stream& on, std::span<const float> values,
    std::size_t tile, std::span<double> sums);

} // namespace troupe::gpu
