#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/aggregation/quantise.hpp"
#include "gpu/aggregation/server_step.hpp"
#include "gpu/aggregation/updates.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/tensor.hpp"

// The CUDA side of gpu/aggregation/, where the contracts stand.
namespace troupe::gpu::cuda {

std::vector<double> squared_norms(device_stream& on, updates of, updates from);
/// values[i] = factor * values[i], in double and rounded once.
void scale(device_stream& on, double factor, std::span<float> values);

void server_step(device_stream& on, const server_options& how,
    const exact_mean& delta, const server_blocks<const float>& from,
    const server_blocks<float>& to);
void move_variate(device_stream& on, variate_use use, const variate_step& how,
    std::span<const std::int64_t> sums, const server_blocks<const float>& from,
    const server_blocks<float>& to);

/// trained[i] -= given[i]; the bits of the largest magnitude. Waits.
std::int32_t to_delta(
    device_stream& on, std::span<float> trained, std::span<const float> given);
/// The bits of the largest magnitude. Waits for the stream.
std::int32_t largest(device_stream& on, std::span<const float> values);

void coordinate_median(device_stream& on, updates of, std::span<float> out);
void trimmed_mean(
    device_stream& on, updates of, std::size_t cut, std::span<float> out);

/// to[j, i] = of[j][first + i] - of[0][first + i].
void pack_differences(
    device_stream& on, updates of, std::size_t first, matrix to);
/// sums[i] += product[i], or = if this is the first one.
void add_product(device_stream& on, std::span<const float> product,
    bool is_first, std::span<double> sums);

/// False, and nothing kept, if there is NaN among the values; 1 <= k <= 2^31.
bool top_k(device_stream& on, std::span<const float> values,
    std::span<std::uint32_t> indices, std::span<float> kept);

void stochastic_quantise(device_stream& on, const quantiser& how,
    const random_blocks& random, std::span<const float> values,
    std::span<std::int8_t> quantised, std::span<float> norms);
void dequantise(device_stream& on, const quantiser& how,
    std::span<const std::int8_t> quantised, std::span<const float> norms,
    std::span<float> out);

} // namespace troupe::gpu::cuda
