#pragma once

#include <cstddef>

#include <cuda_runtime.h>

// What kernels share. Included by .cu files alone.
namespace troupe::gpu::cuda {

inline constexpr unsigned warp = 32;
inline constexpr unsigned whole_warp = 0xffffffff;
/// Of a grid's second and third dimension; loops take the rest.
inline constexpr std::size_t most_blocks = 65535;

/// Calls visit(i) for every i below `count`, the whole grid side by side along
/// its first dimension.
template <class Visit>
__device__ void each(std::size_t count, Visit visit) {
  const auto step = std::size_t{gridDim.x} * blockDim.x;
#pragma unroll 4
  for (auto i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count;
       i += step)
    visit(i);
}

/// The sum of all lanes, in each of them, in one order.
template <class T>
__device__ T sum_of_warp(T x) {
  for (unsigned lanes = warp / 2; lanes > 0; lanes /= 2)
    x += __shfl_xor_sync(whole_warp, x, static_cast<int>(lanes));
  return x;
}

} // namespace troupe::gpu::cuda
