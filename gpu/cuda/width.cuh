#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <cuda_runtime.h>

#include "gpu/device_stream.hpp"
#include "gpu/lanes.hpp"
#include "gpu/operators/activations.hpp"

// What the kernels of products have in common at their edges.
namespace troupe::gpu::cuda {

__device__ inline float activated(float x, activation then) {
  return then == activation::relu && x < 0.0f ? 0.0f : x;
}

/// Writes four neighbours, or the first `left` of them.
__device__ inline void write_four(
    float* to, unsigned left, const float (&x)[4]) {
  if (left >= 4 && reinterpret_cast<std::uintptr_t>(to) % sizeof(float4) == 0)
    *reinterpret_cast<float4*>(to) = float4{x[0], x[1], x[2], x[3]};
  else
    for (unsigned i = 0; i < 4 && i < left; ++i)
      to[i] = x[i];
}

inline unsigned tiles(std::size_t size, unsigned extent) {
  return static_cast<unsigned>((size + extent - 1) / extent);
}

/// Whether four floats from here on can be one load.
inline bool aligned(const void* data) {
  return reinterpret_cast<std::uintptr_t>(data) % sizeof(float4) == 0;
}
template <class T>
bool aligned(const basic_lanes<T>& all) {
  return aligned(all.data) && (all.count == 1 || all.stride % 4 == 0);
}

/// Calls launch(P, V): how operands are held, and the floats that a load
/// brings.
template <class Launch>
void with_operands(const device_stream& on, bool wide, Launch launch) {
  const auto with_width = [&](auto held) {
    if (wide)
      launch(held, std::integral_constant<unsigned, 4>{});
    else
      launch(held, std::integral_constant<unsigned, 1>{});
  };
  if (on.products() == precision::bf16)
    with_width(std::integral_constant<precision, precision::bf16>{});
  else
    with_width(std::integral_constant<precision, precision::fp32>{});
}

} // namespace troupe::gpu::cuda
