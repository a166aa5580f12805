#pragma once

#include <mma.h>

#include "gpu/cuda/tile.cuh"

namespace troupe::gpu::cuda {

/// A block's tile in bf16: tensor cores multiply squares of 16 x 16, and each
/// warp has a rectangle of them. A tile with fewer squares than warps is summed
/// by groups of warps, each the part that every Groups-th k makes; they are
/// added in order. No thread knows which elements it holds, so results go
/// through shared memory.
template <class Shape>
class tile_sums<Shape, precision::bf16> {
public:
  __device__ tile_sums() {
#pragma unroll
    for (unsigned i = 0; i < mine; ++i)
      nvcuda::wmma::fill_fragment(sums_[i], 0.0f);
  }

  /// As in fp32.
  template <class A, class B>
  __device__ void add(A& a, B& b, unsigned begin, unsigned end) {
    each_slab<Shape>(a, b, begin, end, reinterpret_cast<element*>(shared()),
        [&](const element* of_a, const element* of_b) {
          add_slab<typename A::lies, typename B::lies>(of_a, of_b);
        });
  }

  template <class Put>
  __device__ void each_four(Put put) {
    each_four([](unsigned, unsigned) { return 0; },
        [&](unsigned m, unsigned n, const float(&four)[4], int) {
          put(m, n, four);
        });
  }

  template <class Fetch, class Put>
  __device__ void each_four(Fetch fetch, Put put) {
    static_assert(groups == 1);
    constexpr auto fours = Shape::columns / 4;
    constexpr auto of_thread = Shape::rows * fours / Shape::threads;
    static_assert(of_thread * Shape::threads == Shape::rows * fours);
    decltype(fetch(0u, 0u)) fetched[of_thread];
    const auto at = [](unsigned k) { return threadIdx.x + k * Shape::threads; };
#pragma unroll
    for (unsigned k = 0; k < of_thread; ++k)
      fetched[k] = fetch(at(k) / fours, at(k) % fours * 4);
    const auto* all = store<row_pitch>(nvcuda::wmma::mem_row_major);
    float4 sums[of_thread];
#pragma unroll
    for (unsigned k = 0; k < of_thread; ++k)
      sums[k] = *reinterpret_cast<const float4*>(
          all + at(k) / fours * row_pitch + at(k) % fours * 4);
#pragma unroll
    for (unsigned k = 0; k < of_thread; ++k) {
      const float four[4]{sums[k].x, sums[k].y, sums[k].z, sums[k].w};
      put(at(k) / fours, at(k) % fours * 4, four, fetched[k]);
    }
  }

  template <class Put>
  __device__ void each(Put put) {
    const auto* all = store<column_pitch>(nvcuda::wmma::mem_col_major);
    for (auto i = threadIdx.x; i < Shape::rows * Shape::columns;
         i += Shape::threads) {
      const auto row = i % Shape::rows;
      const auto column = i / Shape::rows;
      const auto* from = all + column * column_pitch + row;
      auto sum = from[0];
#pragma unroll
      for (unsigned group = 1; group < groups; ++group)
        sum += from[group * group_size];
      put(row, column, sum);
    }
  }

private:
  using element = __nv_bfloat16;
  using sum_square =
      nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float>;

  static constexpr unsigned edge = 16;
  static constexpr unsigned down = Shape::rows / edge; // squares
  static constexpr unsigned across = Shape::columns / edge;
  static constexpr unsigned warps = Shape::threads / warp;
  static constexpr unsigned groups = warps > down* across
                                         ? warps / (down * across)
                                         : 1;
  static constexpr unsigned mine = down * across * groups / warps;
  static constexpr unsigned mine_across = mine >= 4 && across >= 2 ? 2 : 1;
  static constexpr unsigned mine_down = mine / mine_across;
  static constexpr unsigned warps_across = across / mine_across;
  static constexpr unsigned steps = Shape::depth / edge;
  static_assert(mine * warps == down * across * groups);
  static_assert(mine_down * mine_across == mine && down % mine_down == 0);
  static_assert(Shape::depth % edge == 0 && steps % groups == 0);

  static constexpr unsigned row_pitch = Shape::columns + 4;
  static constexpr unsigned column_pitch = Shape::rows + 4;
  static constexpr unsigned group_size = Shape::columns * column_pitch;
  static constexpr unsigned slabs =
      2 * slab_size<Shape> * sizeof(element) / sizeof(float);
  static constexpr unsigned stored = groups > 1 ? groups* group_size
                                     : Shape::groups > 1
                                         ? group_size
                                         : Shape::rows* row_pitch;
  static constexpr unsigned floats = slabs > stored ? slabs : stored;
  static_assert(floats * sizeof(float) <= 48 << 10);

  __device__ static float* shared() {
    __shared__ __align__(32) float memory[floats];
    return memory;
  }
  __device__ static unsigned group() {
    return threadIdx.x / warp / (warps / groups);
  }
  __device__ static unsigned row(unsigned i) {
    const auto which = threadIdx.x / warp % (warps / groups);
    return (which / warps_across * mine_down + i) * edge;
  }
  __device__ static unsigned column(unsigned i) {
    const auto which = threadIdx.x / warp % (warps / groups);
    return (which % warps_across * mine_across + i) * edge;
  }

  template <class LiesA, class LiesB>
  __device__ void add_slab(const element* of_a, const element* of_b) {
    using nvcuda::wmma::col_major;
    using nvcuda::wmma::row_major;
    nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, element,
        std::conditional_t<LiesA::row_by_row, row_major, col_major>>
        a[mine_down];
    nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, element,
        std::conditional_t<LiesB::row_by_row, col_major, row_major>>
        b[mine_across];
#pragma unroll
    for (unsigned i = 0; i < steps; i += groups) {
      const auto k = (i + group()) * edge;
#pragma unroll
      for (unsigned m = 0; m < mine_down; ++m)
        nvcuda::wmma::load_matrix_sync(
            a[m], of_a + LiesA::offset(row(m), k), LiesA::pitch);
#pragma unroll
      for (unsigned n = 0; n < mine_across; ++n)
        nvcuda::wmma::load_matrix_sync(
            b[n], of_b + LiesB::offset(column(n), k), LiesB::pitch);
#pragma unroll
      for (unsigned j = 0; j < mine; ++j)
        nvcuda::wmma::mma_sync(
            sums_[j], a[j / mine_across], b[j % mine_across], sums_[j]);
    }
  }

  /// All sums in shared memory, with `Pitch` between lines.
  template <unsigned Pitch>
  __device__ const float* store(nvcuda::wmma::layout_t layout) {
    auto* all = shared();
    auto* to = all + group() * group_size;
    const auto by_row = layout == nvcuda::wmma::mem_row_major;
    __syncthreads();
#pragma unroll
    for (unsigned j = 0; j < mine; ++j) {
      const auto m = row(j / mine_across);
      const auto n = column(j % mine_across);
      nvcuda::wmma::store_matrix_sync(
          to + (by_row ? m * Pitch + n : n * Pitch + m), sums_[j], Pitch,
          layout);
    }
    __syncthreads();
    return all;
  }

  sum_square sums_[mine];
};

} // namespace troupe::gpu::cuda
