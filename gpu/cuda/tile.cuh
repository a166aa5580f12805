#pragma once

#include <type_traits>

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "gpu/cuda/grid.cuh"
#include "gpu/precision.hpp"

// A product c = a * b, a block's tile of it at a time:
//
//   source ── fetch ──► registers ── put ──► shared memory ──► sums of a thread
//   (memory)            of the next step     of this step
//
// What the next step takes is on its way while this one is computed. Operands
// are rounded to what they are held as on their way into shared memory. How a
// tile is cut up depends on shapes alone, and so do the bits. Who sums is in
// sums.cuh and tensor_sums.cuh.
namespace troupe::gpu::cuda {

/// Of a matrix: what tiles count in 32 bits. Whoever launches checks.
inline constexpr std::size_t most_elements = std::size_t{1} << 31;

/// A block makes M x N elements of c, in steps of K along what is summed; a
/// thread sums TM x TN of them. Several `Groups` of threads share every sum:
/// the g-th takes k = g, g + Groups, g + 2 Groups, … and in the end the groups'
/// parts are added. In bf16 as many threads cut the tile up in a way of their
/// own.
template <precision Held, unsigned M, unsigned N, unsigned K, unsigned TM,
    unsigned TN, unsigned Groups = 1>
struct tile_shape {
  static constexpr precision held = Held;
  static constexpr bool in_bf16 = Held == precision::bf16;
  using element = std::conditional_t<in_bf16, __nv_bfloat16, float>;
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
  static_assert(TM % 4 == 0 && TN % 4 == 0 && group % warp == 0);

  // A warp is a rectangle of threads, which reads fewer different floats of
  // shared memory than a row of them would.
  static constexpr unsigned warp_across = across < 8 ? across : 8;
  static constexpr unsigned warp_down = warp / warp_across;
  static constexpr unsigned warps_across = across / warp_across;
};

/// A slab is what one step takes of both operands, in shared memory; here, how
/// `Outer` rows or columns of one of them lie in it. In fp32 they lie k by k,
/// so that a thread reads its rows and columns four at a time; in bf16 as they
/// come from memory, since tensor cores read both orders. Every line is `more`
/// longer than its values, so that the lines begin in different banks.
template <class Shape, unsigned Outer, bool AlongK>
struct slab_part {
  static constexpr bool row_by_row = Shape::in_bf16 && AlongK;
  static constexpr unsigned more = Shape::in_bf16 ? 8 : 4;
  static constexpr unsigned pitch = (row_by_row ? Shape::depth : Outer) + more;
  static constexpr unsigned size = pitch * (row_by_row ? Outer : Shape::depth);

  __device__ static constexpr unsigned offset(unsigned outer, unsigned k) {
    return row_by_row ? outer * pitch + k : k * pitch + outer;
  }
};

/// Elements of an operand's part of a slab, however the operand lies.
template <class Shape, unsigned Outer>
constexpr unsigned most_of_slab() {
  constexpr auto along = slab_part<Shape, Outer, true>::size;
  constexpr auto across = slab_part<Shape, Outer, false>::size;
  return along > across ? along : across;
}
template <class Shape>
inline constexpr unsigned slab_size =
    most_of_slab<Shape, Shape::rows>() + most_of_slab<Shape, Shape::columns>();

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

/// Puts V neighbours into shared memory.
template <unsigned V>
__device__ void write(float* to, const float (&x)[V]) {
  if constexpr (V == 4)
    *reinterpret_cast<float4*>(to) = float4{x[0], x[1], x[2], x[3]};
  else
    to[0] = x[0];
}
template <unsigned V>
__device__ void write(__nv_bfloat16* to, const float (&x)[V]) {
  struct alignas(8) four {
    __nv_bfloat162 low;
    __nv_bfloat162 high;
  };
  if constexpr (V == 4)
    *reinterpret_cast<four*>(to) = {
        __floats2bfloat162_rn(x[0], x[1]), __floats2bfloat162_rn(x[2], x[3])};
  else
    to[0] = __float2bfloat16_rn(x[0]);
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
  using lies = slab_part<Shape, Outer, Order == order::along_k>;

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

  __device__ void put(typename Shape::element* __restrict__ slab) const {
#pragma unroll
    for (unsigned i = 0; i < items; ++i) {
      if (!within(i))
        continue;
      auto* to = slab + lies::offset(outer(i), inner(i));
      if constexpr (along && !lies::row_by_row)
#pragma unroll
        for (unsigned v = 0; v < V; ++v)
          to[v * lies::pitch] = values_[i][v];
      else
        write(to, values_[i]);
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

/// Goes through k in [begin, end), the same for all threads of a block, with
/// two slabs at `memory`, and calls add(a, b) for each with what lies there.
template <class Shape, class A, class B, class Add>
__device__ void each_slab(A& a, B& b, unsigned begin, unsigned end,
    typename Shape::element* memory, Add add) {
  if (begin >= end)
    return;
  auto* now = memory;
  auto* next = now + slab_size<Shape>;
  a.fetch(begin);
  b.fetch(begin);
  for (auto k = begin; k < end; k += Shape::depth) {
    a.put(now);
    b.put(now + A::lies::size);
    __syncthreads();
    if (k + Shape::depth < end) {
      a.fetch(k + Shape::depth);
      b.fetch(k + Shape::depth);
    }
    add(now, now + A::lies::size);
    auto* other = now;
    now = next;
    next = other;
  }
}

/// A block's tile, summed: sums.cuh for fp32, tensor_sums.cuh for bf16.
template <class Shape, precision Held = Shape::held>
class tile_sums;

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
