#pragma once

#include <cstddef>
#include <cstdint>

#include <cuda_runtime.h>

#include "gpu/aggregation/fixed_point.hpp"

// What kernels share. Included by .cu files alone.
namespace troupe::gpu::cuda {

inline constexpr unsigned warp = 32;
inline constexpr unsigned whole_warp = 0xffffffff;
/// Of a grid's second and third dimension; loops take the rest.
inline constexpr std::size_t most_blocks = 65535;

/// Calls visit(i) for every i below `count`, the whole grid side by side along
/// its first dimension, a thread's `unrolled` at a time.
template <int unrolled = 4, class Visit>
__device__ void each(std::size_t count, Visit visit) {
  const auto step = std::size_t{gridDim.x} * blockDim.x;
#pragma unroll unrolled
  for (auto i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count;
       i += step)
    visit(i);
}

/// The same with visit(i, row, column), i = row * columns + column. Divides
/// once a thread: a 64-bit division takes longer than a value's way from
/// memory.
template <class Visit>
__device__ void each_place(
    std::size_t count, std::size_t columns, Visit visit) {
  const auto step = std::size_t{gridDim.x} * blockDim.x;
  auto i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= count)
    return;
  const auto down = step / columns;
  const auto across = step % columns;
  auto row = i / columns;
  auto column = i % columns;
  for (; i < count; i += step) {
    visit(i, row, column);
    row += down;
    column += across;
    if (column >= columns) {
      column -= columns;
      ++row;
    }
  }
}

/// N values beside each other, one access where they are aligned so.
template <class T, unsigned N>
struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) neighbours {
  T of[N];
};

template <unsigned N, class T>
__device__ neighbours<T, N> load(const T* from) {
  return *reinterpret_cast<const neighbours<T, N>*>(from);
}
template <class T, unsigned N>
__device__ void store(T* to, const neighbours<T, N>& values) {
  *reinterpret_cast<neighbours<T, N>*>(to) = values;
}

/// How many neighbours a thread takes at a time.
inline constexpr unsigned at_once = 4;

/// A number that the compiler knows; std's cannot be read on a device.
template <unsigned N>
struct constant {
  __device__ constexpr operator unsigned() const { return N; }
};

/// Whether `at_once` neighbours are one access in all of these.
template <class... T>
__device__ bool aligned_for_all(const T*... begin) {
  return ((reinterpret_cast<std::uintptr_t>(begin) %
                  alignof(neighbours<T, at_once>) ==
              0) &&
          ...);
}

/// Calls visit(i, n), n a `constant`, for the n values from i on, until
/// all below `count` had their turn: `at_once` of them where `wide`, and one by
/// one what is left over. As many bytes under way need a quarter of the
/// threads; whoever visits loads all before it stores any, as the compiler may
/// not swap them where pointers could meet.
template <class Visit>
__device__ void each_few(std::size_t count, bool wide, Visit visit) {
  const auto many = wide ? count / at_once : 0;
  each<1>(
      many, [&](std::size_t i) { visit(i * at_once, constant<at_once>{}); });
  const auto done = many * at_once;
  each(count - done, [&](std::size_t i) { visit(done + i, constant<1>{}); });
}

/// to[i] = of(from[i]...) for every i below `count`; `to` may be among `from`.
template <class To, class Of, class... From>
__device__ void map(std::size_t count, To* to, Of of, const From*... from) {
  const auto of_these = [&](auto n, const auto&... values) {
    neighbours<To, n> result;
#pragma unroll
    for (unsigned k = 0; k < n; ++k)
      result.of[k] = of(values.of[k]...);
    return result;
  };
  each_few(count, aligned_for_all(to, from...), [&](std::size_t i, auto n) {
    store(to + i, of_these(n, load<n>(from + i)...));
  });
}

/// |x| as bits, which order as magnitudes do, with NaN on top.
__device__ inline int magnitude(float x) {
  return __float_as_int(x) & fixed_point::magnitude_mask;
}

/// The sum of all lanes, in each of them, in one order.
template <class T>
__device__ T sum_of_warp(T x) {
  for (unsigned lanes = warp / 2; lanes > 0; lanes /= 2)
    x += __shfl_xor_sync(whole_warp, x, static_cast<int>(lanes));
  return x;
}

/// The largest of all lanes, in each of them.
template <class T>
__device__ T largest_of_warp(T x) {
  for (unsigned lanes = warp / 2; lanes > 0; lanes /= 2)
    x = max(x, __shfl_xor_sync(whole_warp, x, static_cast<int>(lanes)));
  return x;
}

} // namespace troupe::gpu::cuda
