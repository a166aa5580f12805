#pragma once

#include <algorithm>
#include <cstddef>

#include <cuda_runtime.h>

#include "gpu/cuda/error.hpp"
#include "gpu/cuda/stream.hpp"

namespace troupe::gpu::cuda {

/// Queues a kernel on `on`. The one way in which kernels are launched, so that
/// the same sources compile without nvcc for their emulation in tests.
template <class... Parameters, class... Arguments>
void launch(const device_stream& on, void (*kernel)(Parameters...), dim3 blocks,
    dim3 threads, Arguments&&... arguments) {
  cudaLaunchConfig_t how{};
  how.gridDim = blocks;
  how.blockDim = threads;
  how.stream = handle(on);
  check(
      cudaLaunchKernelEx(&how, kernel, static_cast<Parameters>(arguments)...));
}

/// Blocks for a grid-stride loop over `count` values: enough to fill the
/// largest GPU a few times over, and never none.
inline unsigned blocks_for(std::size_t count, unsigned threads) {
  constexpr std::size_t most = 132 * 32;
  return static_cast<unsigned>(
      std::clamp<std::size_t>((count + threads - 1) / threads, 1, most));
}

} // namespace troupe::gpu::cuda
