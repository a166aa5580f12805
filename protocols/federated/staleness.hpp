#pragma once

#include <cmath>
#include <cstdint>

namespace troupe::federated {

/// What an update that is `staleness` versions behind keeps of its weight
/// (Nguyen et al. 2022, section 4); 1 for a fresh one, exactly.
inline double discount(std::uint64_t staleness) noexcept {
  return 1.0 / std::sqrt(1.0 + static_cast<double>(staleness));
}

} // namespace troupe::federated
