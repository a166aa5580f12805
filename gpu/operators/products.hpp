#pragma once

#include "gpu/device_stream.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// c = alpha * a * b + beta * c, where `a` and `b` may be transposed views and
/// `c` is not. With beta = 0, `c` may hold anything before. `c` overlaps
/// neither `a` nor `b`.
void multiply(device_stream& on, const_matrix a, const_matrix b, matrix c,
    float alpha = 1.0f, float beta = 0.0f);

} // namespace troupe::gpu
