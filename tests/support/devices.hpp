#pragma once

#include <vector>

#include "gpu/device.hpp"

namespace troupe::tests {

/// The GPUs that are there, emulated ones included.
inline std::vector<gpu::device> gpu_devices() {
  std::vector<gpu::device> result;
  for (const auto& each : gpu::devices())
    if (each.where.kind == gpu::device_kind::cuda)
      result.push_back(each.where);
  return result;
}

/// The CPU, and a GPU where there is one.
inline std::vector<gpu::device> test_devices() {
  std::vector<gpu::device> result{{}};
  for (const auto& each : gpu_devices())
    if (result.size() == 1)
      result.push_back(each);
  return result;
}

} // namespace troupe::tests
