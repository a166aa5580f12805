#pragma once

#include <cstdint>

namespace troupe::gpu {

/// What a server's control variate is for, a value a parameter.
enum class variate_use : std::uint8_t {
  none,     ///< it keeps none
  corrects, ///< clients correct their gradients by it (SCAFFOLD)
  leads,    ///< it is added to every version (FedDyn)
};

/// How a server's control variate v moves with a version, behind contributions
/// d_i that weigh w_i in it:
///   v = keep * v + gain * (w_1 d_1 + w_2 d_2 + ...)
/// The sum is exact; the rest is computed in double and rounded once to float.
struct variate_step {
  double keep = 1.0;
  double gain = 0.0;

  friend bool operator==(const variate_step&, const variate_step&) = default;
};

} // namespace troupe::gpu
