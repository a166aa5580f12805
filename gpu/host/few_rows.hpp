#pragma once

#include <cstddef>
#include <span>

#include "gpu/tensor.hpp"

namespace troupe::gpu::host {

// Linear layers on few samples read far more weights than anything else. A
// general product first copies them into an order of its own, which costs more
// than it gains here; these read them once forward and once backward, where
// they lie.

/// Batches of up to so many samples are few.
inline constexpr std::size_t few_rows = 32;

/// out = at_least(floor, in * weight^T + bias).
void forward_few(const_matrix in, const_matrix weight,
    std::span<const float> bias, float floor, matrix out);

/// As `linear_backward` has it.
void backward_few(const_matrix in, const_matrix weight,
    const_matrix out_gradient, matrix in_gradient, gradient_sink to);

} // namespace troupe::gpu::host
