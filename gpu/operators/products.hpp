#pragma once

#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/precision.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// c = alpha * a * b + beta * c, where `a` and `b` may be transposed views and
/// `c` is not. With beta = 0, `c` may hold anything before. `c` overlaps
/// neither `a` nor `b`. On a stream whose products are in bf16, operands are
/// rounded to it first.
void multiply(device_stream& on, const_matrix a, const_matrix b, matrix c,
    float alpha = 1.0f, float beta = 0.0f);

using bf16_matrix = basic_matrix<const bf16>;
/// The same of operands that are in bf16 already, whatever the stream's
/// products are in. On a GPU alone: throws `std::invalid_argument` on a CPU.
void multiply(device_stream& on, bf16_matrix a, bf16_matrix b, matrix c,
    float alpha = 1.0f, float beta = 0.0f);

/// to = from, rounded to the nearest.
void to_bf16(
    device_stream& on, std::span<const float> from, std::span<bf16> to);

} // namespace troupe::gpu
