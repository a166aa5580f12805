#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/random.hpp"

namespace troupe::gpu {

/// How an update is quantised: `bucket` values at a time share a norm, and each
/// becomes one of 2 * levels + 1 multiples of norm / levels.
struct quantiser {
  enum class norm_kind : std::uint8_t {
    euclidean, ///< as the paper has it
    largest,   ///< the largest magnitude: less variance, fewer zeros
  };
  std::uint32_t levels = 127; ///< 1 to 127
  std::size_t bucket = 512;   ///< at least 1; a GPU gives each to one warp
  norm_kind norm = norm_kind::euclidean;

  std::size_t buckets(std::size_t values) const noexcept {
    return (values + bucket - 1) / bucket;
  }
};

/// QSGD (Alistarh et al. 2017, "QSGD: Communication-Efficient SGD via Gradient
/// Quantization and Encoding"): |x| / norm * levels is rounded up with the
/// probability of its fraction and down otherwise, so that the expectation of
/// what comes back is x. Element i of bucket b draws word i % 4 of block
/// b * ceil(bucket / 4) + i / 4 of `random`, 32 bits: the same bytes on every
/// device. `quantised` has a value's size, `norms` one for each bucket.
///
/// A bucket with NaN or infinity in it, or whose norm is infinite as a float,
/// has the norm NaN and no levels: all of it comes back NaN.
void stochastic_quantise(device_stream& on, const quantiser& how,
    const random_blocks& random, std::span<const float> values,
    std::span<std::int8_t> quantised, std::span<float> norms);

/// out[i] = norm * quantised[i] / levels, in double and rounded once.
void dequantise(device_stream& on, const quantiser& how,
    std::span<const std::int8_t> quantised, std::span<const float> norms,
    std::span<float> out);

} // namespace troupe::gpu
