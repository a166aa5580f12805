#pragma once

#include "gpu/cuda/tile.cuh"

namespace troupe::gpu::cuda {

/// A thread's part of a tile.
template <class Shape>
class tile_sums<Shape, precision::fp32> {
public:
  /// a * b for k in [begin, end): the same for all threads of a block.
  template <class A, class B>
  __device__ void add(A& a, B& b, unsigned begin, unsigned end) {
    each_slab<Shape>(
        a, b, begin, end, shared(), [&](const float* of_a, const float* of_b) {
          add_slab<A::lies::pitch, B::lies::pitch>(of_a, of_b);
        });
  }

  /// Calls put(row, column, float (&)[4]) for the sums of this thread, four
  /// columns at a time. Of one group alone.
  template <class Put>
  __device__ void each_four(Put put) const {
    each_four([](unsigned, unsigned) { return 0; },
        [&](unsigned m, unsigned n, const float(&four)[4], int) {
          put(m, n, four);
        });
  }

  /// The same in two rounds: fetch(row, column) of all, and then
  /// put(row, column, float (&)[4], what was fetched).
  template <class Fetch, class Put>
  __device__ void each_four(Fetch fetch, Put put) const {
    static_assert(Shape::groups == 1);
    constexpr auto fours = Shape::thread_columns / 4;
    decltype(fetch(0u, 0u)) fetched[Shape::thread_rows][fours];
#pragma unroll
    for (unsigned i = 0; i < Shape::thread_rows; ++i)
#pragma unroll
      for (unsigned j = 0; j < fours; ++j)
        fetched[i][j] = fetch(row(i), column(4 * j));
#pragma unroll
    for (unsigned i = 0; i < Shape::thread_rows; ++i)
#pragma unroll
      for (unsigned j = 0; j < fours; ++j) {
        const float four[4]{sums_[i][4 * j], sums_[i][4 * j + 1],
            sums_[i][4 * j + 2], sums_[i][4 * j + 3]};
        put(row(i), column(4 * j), four, fetched[i][j]);
      }
  }

  /// Calls put(row, column, sum) for all elements of the tile, those of
  /// neighbours in a column by neighbouring threads; groups added in order.
  template <class Put>
  __device__ void each(Put put) const {
    constexpr auto size = Shape::rows * Shape::columns;
    const auto mine = threadIdx.x / Shape::group * size;
    auto* all = shared();
    __syncthreads();
#pragma unroll
    for (unsigned i = 0; i < Shape::thread_rows; ++i)
#pragma unroll
      for (unsigned j = 0; j < Shape::thread_columns; ++j)
        all[mine + column(j) * Shape::rows + row(i)] = sums_[i][j];
    __syncthreads();
    for (auto i = threadIdx.x; i < size; i += Shape::threads) {
      auto sum = all[i];
#pragma unroll
      for (unsigned group = 1; group < Shape::groups; ++group)
        sum += all[group * size + i];
      put(i % Shape::rows, i / Shape::rows, sum);
    }
  }

private:
  static constexpr unsigned summing =
      Shape::groups > 1 ? Shape::groups* Shape::rows* Shape::columns : 0;
  static constexpr unsigned slabs = 2 * slab_size<Shape>;
  static constexpr unsigned floats = slabs > summing ? slabs : summing;
  static_assert(floats * sizeof(float) <= 48 << 10);

  __device__ static float* shared() {
    __shared__ __align__(16) float memory[floats];
    return memory;
  }
  __device__ static unsigned warp_of_group() {
    return threadIdx.x % Shape::group / warp;
  }
  // A thread's rows and columns come in fours, as far apart as all threads'
  // fours beside each other.
  __device__ static unsigned row(unsigned i) {
    const auto place =
        threadIdx.x % warp / Shape::warp_across +
        Shape::warp_down * (warp_of_group() / Shape::warps_across);
    return i / 4 * 4 * Shape::down + place * 4 + i % 4;
  }
  __device__ static unsigned column(unsigned j) {
    const auto place =
        threadIdx.x % Shape::warp_across +
        Shape::warp_across * (warp_of_group() % Shape::warps_across);
    return j / 4 * 4 * Shape::across + place * 4 + j % 4;
  }

  template <unsigned PitchA, unsigned PitchB>
  __device__ void add_slab(
      const float* __restrict__ of_a, const float* __restrict__ of_b) {
#pragma unroll
    for (unsigned i = 0; i < Shape::depth; i += Shape::groups) {
      const auto k = i + threadIdx.x / Shape::group;
      float a[Shape::thread_rows];
      float b[Shape::thread_columns];
      const auto* from = of_a + k * PitchA;
#pragma unroll
      for (unsigned j = 0; j < Shape::thread_rows; j += 4)
        load_four(from + row(j), a + j);
      from = of_b + k * PitchB;
#pragma unroll
      for (unsigned j = 0; j < Shape::thread_columns; j += 4)
        load_four(from + column(j), b + j);
#pragma unroll
      for (unsigned m = 0; m < Shape::thread_rows; ++m)
#pragma unroll
        for (unsigned n = 0; n < Shape::thread_columns; ++n)
          sums_[m][n] += a[m] * b[n];
    }
  }
  __device__ static void load_four(const float* from, float* into) {
    const auto x = *reinterpret_cast<const float4*>(from);
    into[0] = x.x;
    into[1] = x.y;
    into[2] = x.z;
    into[3] = x.w;
  }

  float sums_[Shape::thread_rows][Shape::thread_columns] = {};
};

} // namespace troupe::gpu::cuda
