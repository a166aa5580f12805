#pragma once

#include <cstdint>

namespace troupe::gpu::host {

/// The vector instructions that host kernels are written for. Kernels of
/// different sets sum in different orders, so the choice is part of the numeric
/// fingerprint.
enum class instruction_set : std::uint8_t { baseline, avx2, avx512 };

/// The best set of this processor, found once. The environment variable
/// TROUPE_INSTRUCTIONS (baseline, avx2, avx512) may ask for a lesser one.
instruction_set instructions() noexcept;

const char* name(instruction_set which) noexcept;

} // namespace troupe::gpu::host
