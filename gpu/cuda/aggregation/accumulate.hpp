#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/device_stream.hpp"

namespace troupe::gpu::cuda {

/// An update and its weight in the accumulator's scale, 2^41.
struct weighted {
  const float* values = nullptr;
  double scaled_weight = 0.0;
};

/// As many as one pass takes; their addresses are a kernel's argument.
inline constexpr std::size_t batch_limit = 128;

/// What one of them added.
struct accumulated {
  std::int32_t largest = 0;   ///< magnitude, as bits
  std::uint64_t checksum = 0; ///< linear, of the integers
};

/// Adds all of `some` (at most `batch_limit`) to the sums, modulo 2^64, the
/// first of which is at `place` in the whole. Waits for the stream.
std::vector<accumulated> accumulate(device_stream& on,
    std::span<const weighted> some, std::span<std::int64_t> sums,
    std::uint64_t place);

/// The linear checksum of the sums. Waits for the stream.
std::uint64_t checksum(
    device_stream& on, std::span<const std::int64_t> sums, std::uint64_t place);

/// Undoes `accumulate` for `some` of what it was given, exactly.
void take_back(device_stream& on, std::span<const weighted> some,
    std::span<std::int64_t> sums);

/// to[i] += from[i].
void add_sums(device_stream& on, std::span<const std::int64_t> from,
    std::span<std::int64_t> to);

void clear(device_stream& on, std::span<std::int64_t> sums);

/// out[i] = base[i] + rate * sums[i] / denominator, each step rounded in double
/// as the host has it; no base counts as zeros.
void publish(device_stream& on, std::span<const std::int64_t> sums,
    double denominator, std::span<const float> base, double rate,
    std::span<float> out);

} // namespace troupe::gpu::cuda
