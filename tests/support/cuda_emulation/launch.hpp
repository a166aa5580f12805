#pragma once

#include <functional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/cuda_emulation/runtime_api.hpp"

struct cudaLaunchAttribute;
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
  cudaLaunchAttribute* attrs = nullptr;
  unsigned numAttrs = 0;
};

namespace troupe::cuda_emulation {

/// Queues `thread` for every CUDA thread. `pointers` are the kernel's
/// parameters of pointer type, which must be null or memory that devices see.
cudaError_t launch_kernel(const cudaLaunchConfig_t& how,
    std::function<void()> thread, std::span<const void* const> pointers);

} // namespace troupe::cuda_emulation

/// As if nothing but threads bounded a multiprocessor.
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(
    int* blocks, const void* kernel, int threads, std::size_t shared);

/// Launches as the real one does: `arguments` are converted to the kernel's
/// parameters and copied now; the kernel runs later, in the stream's order.
template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* how,
    void (*kernel)(Parameters...), Arguments&&... arguments) {
  std::tuple<std::decay_t<Parameters>...> held{
      std::forward<Arguments>(arguments)...};
  std::vector<const void*> pointers;
  std::apply(
      [&](const auto&... each) {
        (
            [&] {
              if constexpr (std::is_pointer_v<std::decay_t<decltype(each)>>)
                pointers.push_back(each);
            }(),
            ...);
      },
      held);
  return troupe::cuda_emulation::launch_kernel(
      *how, [kernel, held] { std::apply(kernel, held); }, pointers);
}
