#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/aggregation/server_step.hpp"
#include "gpu/aggregation/updates.hpp"
#include "gpu/device_stream.hpp"

// The CUDA side of gpu/aggregation/, where the contracts stand.
namespace troupe::gpu::cuda {

/// Each update's, in `ordered`'s order. Waits for the stream.
std::vector<double> sums_of_squares(device_stream& on, updates of);
/// values[i] = factor * values[i], in double and rounded once.
void scale(device_stream& on, double factor, std::span<float> values);

void server_step(device_stream& on, const server_options& how,
    std::span<const float> delta, std::span<float> m, std::span<float> v,
    std::span<float> parameters);

/// trained[i] -= given[i]; the bits of the largest magnitude. Waits.
std::int32_t to_delta(
    device_stream& on, std::span<float> trained, std::span<const float> given);
/// The bits of the largest magnitude. Waits for the stream.
std::int32_t largest(device_stream& on, std::span<const float> values);

void coordinate_median(device_stream& on, updates of, std::span<float> out);
void trimmed_mean(
    device_stream& on, updates of, std::size_t cut, std::span<float> out);

} // namespace troupe::gpu::cuda
