#pragma once

#include <algorithm>
#include <cstddef>
#include <source_location>

#include <cuda_runtime.h>

#include "gpu/cuda/error.hpp"
#include "gpu/cuda/even_blocks.hpp"
#include "gpu/cuda/stream.hpp"

namespace troupe::gpu::cuda {

/// A stream, and the line that queues on it.
struct queued_by {
  queued_by(const device_stream& to,
      std::source_location where = std::source_location::current())
      : on(to), at(where) {}

  const device_stream& on;
  std::source_location at;
};

/// Queues a kernel on a stream; errors name the line that calls. The one way in
/// which kernels are launched, so that the same sources compile without nvcc
/// for their emulation in tests.
template <class... Parameters, class... Arguments>
void launch(queued_by who, void (*kernel)(Parameters...), dim3 blocks,
    dim3 threads, Arguments&&... arguments) {
  cudaLaunchConfig_t how{};
  how.gridDim = blocks;
  how.blockDim = threads;
  how.stream = handle(who.on, who.at);
  check(cudaLaunchKernelEx(&how, kernel, static_cast<Parameters>(arguments)...),
      who.at);
  of(who.on).launched(who.at);
}

/// Blocks of a kernel that the GPU has room for at a time.
unsigned resident_blocks(
    const queued_by& who, const void* kernel, unsigned threads);

/// Blocks for a grid-stride loop over `count` values, of which a block takes
/// `of_block` in a round, and for `loops` such loops in one launch. They fill
/// the GPU a few times over: the first to end make room for the last.
template <class... Parameters>
unsigned blocks_for(queued_by who, void (*kernel)(Parameters...),
    unsigned threads, std::size_t count, std::size_t of_block,
    std::size_t loops = 1) {
  constexpr std::size_t times = 4;
  const auto room = times * resident_blocks(who,
                                reinterpret_cast<const void*>(kernel), threads);
  return even_blocks((count + of_block - 1) / of_block,
      std::max<std::size_t>(room / std::max<std::size_t>(loops, 1), 1));
}

} // namespace troupe::gpu::cuda
