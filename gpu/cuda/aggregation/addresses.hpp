#pragma once

#include <cassert>

#include "gpu/aggregation/updates.hpp"

namespace troupe::gpu::cuda {

/// Where updates lie, as a kernel's argument: 2 KiB, no copy to wait for.
struct addresses {
  const float* of[updates_limit];
  unsigned count;
};

inline addresses addresses_of(updates given) {
  assert(given.size() <= updates_limit && "addresses fit an argument");
  addresses result{};
  for (auto values : given)
    result.of[result.count++] = values.data();
  return result;
}

} // namespace troupe::gpu::cuda
