#include "gpu/optimisers/rate_schedule.hpp"

#include <cmath>
#include <numbers>

namespace troupe::gpu {

double rate_schedule::at(std::uint64_t step) const noexcept {
  if (step < warmup)
    return double(step + 1) / double(warmup + 1);
  if (how == decay::none)
    return 1.0;
  if (step >= steps)
    return floor;
  const auto way = double(step - warmup) / double(steps - warmup);
  const auto left = how == decay::linear
                        ? 1.0 - way
                        : (1.0 + std::cos(std::numbers::pi * way)) / 2.0;
  return floor + (1.0 - floor) * left;
}

} // namespace troupe::gpu
