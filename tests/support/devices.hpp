#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "gpu/device.hpp"

namespace troupe::gpu {

/// How GoogleTest shows one.
inline void PrintTo(const device& where, std::ostream* to) {
  *to << to_string(where);
}

} // namespace troupe::gpu

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

/// As the name of a test has it: "cuda0".
inline std::string name(gpu::device where) {
  auto text = gpu::to_string(where);
  std::erase(text, ':');
  return text;
}

} // namespace troupe::tests
