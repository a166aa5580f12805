#pragma once

#include <cstdint>
#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// The cross-entropy between the softmax of each row of `logits` and its label:
/// losses[i] = log(sum_j exp(logits[i][j])) - logits[i][labels[i]].
/// Labels are below logits.columns.
void softmax_cross_entropy(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses);

/// The same, and its gradient by the logits, times `scale`:
/// gradient[i][j] = scale * (softmax(logits[i])[j] - (j == labels[i])).
void softmax_cross_entropy(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses, float scale,
    matrix gradient);

/// The same for lanes that share the rows evenly: each takes the rows that its
/// step has, times the step's scale. Other rows are left as they are.
void softmax_cross_entropy(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses,
    std::span<const lane_step> steps, matrix gradient);

/// How many rows have their largest element, the first of equal ones, where
/// their label says. A row with a NaN counts as wrong. Waits for the stream.
std::size_t count_correct(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels);

} // namespace troupe::gpu
