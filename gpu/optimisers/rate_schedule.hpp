#pragma once

#include <cstdint>

namespace troupe::gpu {

/// How a learning rate moves with the steps of a run.
///
///     rate    ┌──────────────── constant
///            /│╲
///           / │  `-.           linear, or half a cosine, down to `floor`
///          /  │     `--.___
///     0 ──┴───┴────────────┴─► step
///           warmup       steps
enum class decay : std::uint8_t { none, linear, cosine };

struct rate_schedule {
  decay how = decay::none;
  std::uint64_t warmup = 0; ///< steps in which it rises, in equal parts
  std::uint64_t steps = 0;  ///< at which it has come down to `floor`
  double floor = 0.0;       ///< part of the full rate that is left then

  /// What the rate of a step is multiplied by; the first step is 0. It rises by
  /// (step + 1) / (warmup + 1); step `warmup` and, without decay, all later
  /// ones have 1. With a cosine it is
  /// floor + (1 - floor) (1 + cos(pi p)) / 2, p the part of the way from
  /// `warmup` to `steps` (Loshchilov and Hutter 2017, SGDR, section 3).
  double at(std::uint64_t step) const noexcept;

  friend bool operator==(const rate_schedule&, const rate_schedule&) = default;
};

} // namespace troupe::gpu
