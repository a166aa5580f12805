#include "tests/support/cuda_emulation/launch.hpp"

#include <atomic>

#include "tests/support/cuda_emulation/block.hpp"
#include "tests/support/cuda_emulation/memory.hpp"

namespace troupe::cuda_emulation {
namespace {

bool fits(const dim3& x, unsigned most_x, unsigned most_y, unsigned most_z) {
  return x.x > 0 && x.y > 0 && x.z > 0 && x.x <= most_x && x.y <= most_y &&
         x.z <= most_z;
}

bool valid(const cudaLaunchConfig_t& how) {
  const auto& block = how.blockDim;
  return fits(how.gridDim, 2147483647, 65535, 65535) &&
         fits(block, 1024, 1024, 64) && block.x * block.y * block.z <= 1024;
}

} // namespace

cudaError_t launch_kernel(const cudaLaunchConfig_t& how,
    std::function<void()> thread, std::span<const void* const> pointers) {
  if (auto code = entered(); code != cudaSuccess)
    return told(code);
  if (!valid(how))
    return told(cudaErrorInvalidConfiguration);
  if (how.dynamicSmemBytes > 0 || how.numAttrs > 0)
    return told(cudaErrorNotSupported);
  auto on = find(how.stream);
  if (!on || on->device != current_device())
    return told(cudaErrorInvalidResourceHandle);
  for (const auto* one : pointers)
    if (auto owner = owner_of(one);
        one != nullptr && (!owner || !reaches(on->device, *owner)))
      return told(cudaErrorIllegalAddress);
  static std::atomic<std::uint64_t> launches = 0;
  auto seed = the_machine().seed + ++launches * 0x9e3779b97f4a7c15;
  return told(submit(how.stream, [grid = how.gridDim, block = how.blockDim,
                                     seed, thread = std::move(thread)] {
    run_grid(grid, block, seed, thread);
  }));
}

} // namespace troupe::cuda_emulation

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(
    int* blocks, const void* kernel, int threads, std::size_t shared) {
  using namespace troupe::cuda_emulation;
  int most = 0;
  if (auto code = cudaDeviceGetAttribute(
          &most, cudaDevAttrMaxThreadsPerMultiProcessor, current_device());
      code != cudaSuccess)
    return code;
  if (kernel == nullptr || threads < 1 || threads > 1024)
    return told(cudaErrorInvalidValue);
  if (shared > 0)
    return told(cudaErrorNotSupported);
  *blocks = most / threads;
  return cudaSuccess;
}
