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

} // namespace troupe::gpu
