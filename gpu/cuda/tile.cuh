#pragma once

#include <cuda_runtime.h>

#include "gpu/cuda/grid.cuh"

// A product c = a * b, a block's tile of it at a time:
//
//   source ── fetch ──► registers ── put ──► shared memory ──► sums of a thread
//   (memory)            of the next step     of this step
//
// What the next step takes is on its way while this one is computed. Operands
// lie in shared memory k by k, so that a thread reads its rows and columns four
// at a time; each k is one line of `pitch` floats. How a tile is cut up depends
// on shapes alone, and so do the bits.
namespace troupe::gpu::cuda {

/// A block makes M x N elements of c, in steps of K along what is summed; a
/// thread sums TM x TN of them, and with several `Groups` of threads each sums
/// the part of an element that every Groups-th k makes.
template <unsigned M, unsigned N, unsigned K, unsigned TM, unsigned TN,
    unsigned Groups = 1>
struct tile_shape {
  static constexpr unsigned rows = M;
  static constexpr unsigned columns = N;
  static constexpr unsigned depth = K;
  static constexpr unsigned thread_rows = TM;
  static constexpr unsigned thread_columns = TN;
  static constexpr unsigned groups = Groups;
  static constexpr unsigned down = M / TM; // threads of a group
  static constexpr unsigned across = N / TN;
  static constexpr unsigned group = down * across;
  static constexpr unsigned threads = group * Groups;
  static constexpr unsigned pitch_a = M + 4; // keeps banks apart
  static constexpr unsigned pitch_b = N + 4;
  static constexpr unsigned stage = K * (pitch_a + pitch_b);
  static constexpr unsigned summing = Groups > 1 ? Groups* M* N : 0;
  static constexpr unsigned shared = 2 * stage > summing ? 2 * stage : summing;
  static_assert(TM % 4 == 0 && TN % 4 == 0 && group % warp == 0);
  static_assert(shared * sizeof(float) <= 48 << 10);

  // A warp is a rectangle of threads, which reads fewer different floats of
  // shared memory than a row of them would.
  static constexpr unsigned warp_across = across < 8 ? across : 8;
  static constexpr unsigned warp_down = warp / warp_across;
  static constexpr unsigned warps_across = across / warp_across;
};

/// V floats at `from`, or zeroes.
template <unsigned V>
__device__ void read(const float* from, bool there, float (&into)[V]) {
  static_assert(V == 1 || V == 4);
  if constexpr (V == 4) {
    const auto x = there ? __ldg(reinterpret_cast<const float4*>(from))
                         : float4{0.0f, 0.0f, 0.0f, 0.0f};
    into[0] = x.x;
    into[1] = x.y;
    into[2] = x.z;
    into[3] = x.w;
  } else {
    into[0] = there ? __ldg(from) : 0.0f;
  }
}

/// Which way the V neighbours in memory lie that one load brings.
enum class order { along_k, across_k };

/// One operand: `Outer` rows of a, or columns of b, by Shape::depth. A source
/// tells where elements are, and zero where none are, by
///   row(outer), at(k)            what a thread keeps of its place
///   load(row, at, float (&)[V])  of the elements from there
template <class Shape, unsigned Outer, order Order, unsigned V, class Source>
class operand {
public:
  static constexpr unsigned pitch = Outer + 4;

  __device__ operand(const Source& from, unsigned first) : from_(from) {
#pragma unroll
    for (unsigned i = 0; i < rows; ++i)
      rows_[i] = from_.row(first + outer(i));
  }

  __device__ void fetch(unsigned k) {
    if constexpr (Order == order::along_k) {
      const auto at = from_.at(k + inner(0));
#pragma unroll
      for (unsigned i = 0; i < items; ++i)
        if (within(i))
          from_.load(rows_[i], at, values_[i]);
    } else {
#pragma unroll
      for (unsigned i = 0; i < items; ++i)
        if (within(i))
          from_.load(rows_[0], from_.at(k + inner(i)), values_[i]);
    }
  }

  __device__ void put(float* __restrict__ stage) const {
#pragma unroll
    for (unsigned i = 0; i < items; ++i) {
      if (!within(i))
        continue;
      auto* to = stage + inner(i) * pitch + outer(i);
      if constexpr (Order == order::across_k && V == 4)
        *reinterpret_cast<float4*>(to) =
            float4{values_[i][0], values_[i][1], values_[i][2], values_[i][3]};
      else
#pragma unroll
        for (unsigned v = 0; v < V; ++v)
          to[v * pitch] = values_[i][v];
    }
  }

private:
  // Along k a warp takes eight k's, which are a sector of memory, of several
  // rows: that spreads what it puts over all banks of shared memory.
  static constexpr bool along = Order == order::along_k;
  static constexpr unsigned warps = Shape::threads / warp;
  static constexpr unsigned warp_inner = 8 / V;
  static constexpr unsigned warp_outer = warp / warp_inner;
  static constexpr unsigned warps_inner = Shape::depth / 8;
  static constexpr unsigned outer_step = warp_outer * warps / warps_inner;
  static constexpr unsigned lines = Outer / V; // across k
  static constexpr unsigned inner_step = Shape::threads / lines;
  static constexpr unsigned extent = along ? Outer : Shape::depth;
  static constexpr unsigned step = along ? outer_step : inner_step;
  static constexpr unsigned items = (extent + step - 1) / step;
  static constexpr unsigned rows = along ? items : 1;
  static_assert(Shape::depth % 8 == 0);
  static_assert(!along || warps % warps_inner == 0);
  static_assert(along || Shape::threads % lines == 0);

  __device__ static unsigned outer(unsigned i) {
    const auto lane = threadIdx.x % warp;
    if constexpr (along)
      return lane / warp_inner +
             warp_outer * (threadIdx.x / warp / warps_inner) + i * outer_step;
    else
      return threadIdx.x % lines * V;
  }
  __device__ static unsigned inner(unsigned i) {
    if constexpr (along)
      return threadIdx.x % warp_inner * V +
             threadIdx.x / warp % warps_inner * 8;
    else
      return threadIdx.x / lines + i * inner_step;
  }
  __device__ static bool within(unsigned i) {
    return extent % step == 0 || (along ? outer(i) : inner(i)) < extent;
  }

  Source from_;
  decltype(from_.row(0u)) rows_[rows];
  float values_[items][V];
};

/// A thread's part of a tile.
template <class Shape>
class tile_sums {
public:
  /// a * b for k in [begin, end): the same for all threads of a block.
  template <class A, class B>
  __device__ void add(A& a, B& b, unsigned begin, unsigned end) {
    static_assert(A::pitch == Shape::pitch_a && B::pitch == Shape::pitch_b);
    if (begin >= end)
      return;
    auto* now = shared();
    auto* next = now + Shape::stage;
    a.fetch(begin);
    b.fetch(begin);
    for (auto k = begin; k < end; k += Shape::depth) {
      a.put(now);
      b.put(now + a_size);
      __syncthreads();
      if (k + Shape::depth < end) {
        a.fetch(k + Shape::depth);
        b.fetch(k + Shape::depth);
      }
      add_stage(now);
      auto* other = now;
      now = next;
      next = other;
    }
  }

  /// Calls put(row, column, float (&)[4]) for the sums of this thread, four
  /// columns at a time. Of one group alone.
  template <class Put>
  __device__ void each_four(Put put) const {
    static_assert(Shape::groups == 1);
#pragma unroll
    for (unsigned i = 0; i < Shape::thread_rows; ++i)
#pragma unroll
      for (unsigned j = 0; j < Shape::thread_columns; j += 4) {
        const float four[4]{
            sums_[i][j], sums_[i][j + 1], sums_[i][j + 2], sums_[i][j + 3]};
        put(row(i), column(j), four);
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
  static constexpr unsigned a_size = Shape::depth * Shape::pitch_a;

  __device__ static float* shared() {
    __shared__ __align__(16) float memory[Shape::shared];
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

  __device__ void add_stage(const float* __restrict__ stage) {
#pragma unroll
    for (unsigned i = 0; i < Shape::depth; i += Shape::groups) {
      const auto k = i + threadIdx.x / Shape::group;
      float a[Shape::thread_rows];
      float b[Shape::thread_columns];
      const auto* from = stage + k * Shape::pitch_a;
#pragma unroll
      for (unsigned j = 0; j < Shape::thread_rows; j += 4)
        load_four(from + row(j), a + j);
      from = stage + a_size + k * Shape::pitch_b;
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

/// Elements at data[outer * row_stride + k * step_stride]; one of the strides
/// is 1, that of the operand's order.
struct matrix_source {
  const float* __restrict__ data;
  unsigned rows;
  unsigned steps;
  unsigned row_stride;
  unsigned step_stride;

  static constexpr unsigned none = 0xffffffff;

  __device__ unsigned row(unsigned outer) const {
    return outer < rows ? outer * row_stride : none;
  }
  __device__ unsigned at(unsigned k) const {
    return k < steps ? k * step_stride : none;
  }
  template <unsigned V>
  __device__ void load(unsigned row, unsigned at, float (&into)[V]) const {
    const auto there = row != none && at != none;
    read(data + (there ? row + at : 0), there, into);
  }
};

} // namespace troupe::gpu::cuda
