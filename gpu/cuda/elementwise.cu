#include "gpu/cuda/operators.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <cuda_bf16.h>

#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"
#include "gpu/cuda/width.cuh"

// Bound by memory, all of them: neighbours in a warp are neighbours in memory.
namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr std::size_t of_block = std::size_t{threads} * at_once;
constexpr unsigned edge = 32; // of a tile that is transposed
constexpr unsigned tile_rows = threads / edge;

// Rows of N-th parts of `columns`, so that a thread's N values lie in one row.
template <unsigned N>
__device__ void add_biases(const float* __restrict__ bias, activation then,
    float* __restrict__ x, std::size_t size, std::size_t columns) {
  each_place(size / N, columns / N,
      [=](std::size_t i, std::size_t, std::size_t column) {
        auto values = load<N>(x + N * i);
        const auto biases = load<N>(bias + N * column);
#pragma unroll
        for (unsigned k = 0; k < N; ++k)
          values.of[k] = activated(values.of[k] + biases.of[k], then);
        store(x + N * i, values);
      });
}

__global__ void __launch_bounds__(threads)
    add_bias_kernel(const float* __restrict__ bias, activation then,
        float* __restrict__ x, std::size_t size, std::size_t columns) {
  if (columns % at_once == 0 && aligned_for_all(bias, x))
    add_biases<at_once>(bias, then, x, size, columns);
  else
    add_biases<1>(bias, then, x, size, columns);
}

__global__ void __launch_bounds__(threads) to_bf16_kernel(
    const float* __restrict__ from, bf16* __restrict__ to, std::size_t size) {
  map(
      size, to,
      [](float x) {
        return bf16{__bfloat16_as_ushort(__float2bfloat16_rn(x))};
      },
      from);
}

// `out` may be `in`.
__global__ void __launch_bounds__(threads)
    relu_kernel(const float* in, float* out, std::size_t size) {
  map(
      size, out, [](float x) { return activated(x, activation::relu); }, in);
}

__global__ void __launch_bounds__(threads)
    relu_backward_kernel(const float* __restrict__ out,
        float* __restrict__ gradient, std::size_t size) {
  map(
      size, gradient,
      [](float y, float kept) { return y == 0.0f ? 0.0f : kept; }, out,
      gradient);
}

// `y` may be `x`.
__global__ void __launch_bounds__(threads) scale_and_add_kernel(
    float a, const float* x, float b, float* y, std::size_t size) {
  if (b == 0.0f)
    map(
        size, y, [=](float of_x) { return a * of_x; }, x);
  else
    map(
        size, y, [=](float of_x, float of_y) { return a * of_x + b * of_y; }, x,
        y);
}

// Tiles go through shared memory, so that both sides move whole lines; a column
// more than there are keeps the banks apart.
__global__ void __launch_bounds__(threads) transpose_each_kernel(unsigned rows,
    unsigned columns, const float* __restrict__ in, float* __restrict__ out,
    std::size_t samples) {
  __shared__ float tile[edge][edge + 1];
  const auto x = threadIdx.x % edge;
  const auto y = threadIdx.x / edge;
  const auto first_column = blockIdx.x * edge;
  const auto first_row = blockIdx.y * edge;
  for (std::size_t i = blockIdx.z; i < samples; i += gridDim.z) {
    const auto at = i * rows * columns;
    for (auto j = y; j < edge; j += tile_rows)
      if (first_row + j < rows && first_column + x < columns)
        tile[j][x] =
            in[at + std::size_t{first_row + j} * columns + first_column + x];
    __syncthreads();
    for (auto j = y; j < edge; j += tile_rows)
      if (first_column + j < columns && first_row + x < rows)
        out[at + std::size_t{first_column + j} * rows + first_row + x] =
            tile[x][j];
    __syncthreads();
  }
}

/// What a window's kernels need of `pooling`.
struct windows {
  unsigned in_width;
  unsigned channels;
  unsigned window;
  unsigned width;   // of the output
  unsigned in_size; // values of an image
  unsigned out_size;

  /// Where the window of an output starts in the image.
  __device__ unsigned start(unsigned output) const {
    const auto pixel = output / channels;
    const auto y = pixel / width * window;
    const auto x = pixel % width * window;
    return (y * in_width + x) * channels + output % channels;
  }
  /// Calls visit(offset) for each place of the window that starts at `first`.
  template <class Visit>
  __device__ void each_place(unsigned first, Visit visit) const {
    for (unsigned y = 0; y < window; ++y)
      for (unsigned x = 0; x < window; ++x)
        visit(first + (y * in_width + x) * channels);
  }
};

__global__ void __launch_bounds__(threads)
    max_pool_kernel(windows of, activation then, const float* __restrict__ in,
        float* __restrict__ out, std::size_t images) {
  for (std::size_t i = blockIdx.y; i < images; i += gridDim.y) {
    const auto* from = in + i * of.in_size;
    auto* to = out + i * of.out_size;
    each(of.out_size, [&](std::size_t output) {
      const auto first = of.start(unsigned(output));
      auto largest = from[first];
      of.each_place(first, [&](unsigned at) {
        const auto x = from[at];
        largest = largest > x || largest != largest ? largest : x;
      });
      to[output] = activated(largest, then);
    });
  }
}

// A window whose largest is no larger than `floor` hands on nothing.
__global__ void __launch_bounds__(threads) max_pool_backward_kernel(windows of,
    float floor, const float* __restrict__ in, const float* __restrict__ out,
    const float* __restrict__ out_gradient, float* __restrict__ in_gradient,
    std::size_t images) {
  for (std::size_t i = blockIdx.y; i < images; i += gridDim.y) {
    const auto* from = in + i * of.in_size;
    auto* to = in_gradient + i * of.in_size;
    each(of.out_size, [&](std::size_t output) {
      const auto largest = out[i * of.out_size + output];
      const auto gradient = out_gradient[i * of.out_size + output];
      auto open = largest > floor;
      of.each_place(of.start(unsigned(output)), [&](unsigned at) {
        const auto here = open && from[at] == largest;
        to[at] = here ? gradient : 0.0f;
        open = open && !here;
      });
    });
  }
}

windows windows_of(const pooling& what) {
  const auto out = what.out();
  return {unsigned(what.in.width), unsigned(what.in.channels),
      unsigned(what.window), unsigned(out.width), unsigned(what.in.size()),
      unsigned(out.size())};
}

/// Outputs of an image along the first dimension, images along the second.
dim3 blocks_of(const windows& what, std::size_t images) {
  return {unsigned((what.out_size + threads - 1) / threads),
      unsigned(std::min(images, most_blocks))};
}

unsigned tiles(std::size_t size) {
  return unsigned((size + edge - 1) / edge);
}

} // namespace

void add_bias(
    device_stream& on, std::span<const float> bias, activation then, matrix x) {
  assert(bias.size() == x.columns && "one bias a column");
  if (x.size() > 0)
    launch(on, add_bias_kernel,
        blocks_for(on, add_bias_kernel, threads, x.size(), of_block), threads,
        bias.data(), then, x.data, x.size(), x.columns);
}

void to_bf16(
    device_stream& on, std::span<const float> from, std::span<bf16> to) {
  assert(from.size() == to.size());
  if (!from.empty())
    launch(on, to_bf16_kernel,
        blocks_for(on, to_bf16_kernel, threads, from.size(), of_block), threads,
        from.data(), to.data(), from.size());
}

void relu(device_stream& on, std::span<const float> in, std::span<float> out) {
  assert(in.size() == out.size());
  if (!in.empty())
    launch(on, relu_kernel,
        blocks_for(on, relu_kernel, threads, in.size(), of_block), threads,
        in.data(), out.data(), in.size());
}

void relu_backward(
    device_stream& on, std::span<const float> out, std::span<float> gradient) {
  assert(out.size() == gradient.size());
  if (!out.empty())
    launch(on, relu_backward_kernel,
        blocks_for(on, relu_backward_kernel, threads, out.size(), of_block),
        threads, out.data(), gradient.data(), out.size());
}

void scale_and_add(device_stream& on, float a, std::span<const float> x,
    float b, std::span<float> y) {
  assert(x.size() == y.size());
  if (!x.empty())
    launch(on, scale_and_add_kernel,
        blocks_for(on, scale_and_add_kernel, threads, x.size(), of_block),
        threads, a, x.data(), b, y.data(), x.size());
}

void transpose_each(device_stream& on, std::size_t rows, std::size_t columns,
    const_matrix in, matrix out) {
  assert(in.columns == rows * columns && in.size() == out.size());
  if (in.size() > 0)
    launch(on, transpose_each_kernel,
        {tiles(columns), tiles(rows), unsigned(std::min(in.rows, most_blocks))},
        threads, unsigned(rows), unsigned(columns), in.data, out.data, in.rows);
}

void max_pool(device_stream& on, const pooling& what, activation then,
    const_matrix in, matrix out) {
  const auto of = windows_of(what);
  if (out.size() > 0)
    launch(on, max_pool_kernel, blocks_of(of, in.rows), threads, of, then,
        in.data, out.data, in.rows);
}

void max_pool_backward(device_stream& on, const pooling& what, activation then,
    const_matrix in, const_matrix out, const_matrix out_gradient,
    matrix in_gradient) {
  const auto of = windows_of(what);
  const auto whole =
      what.in.height % what.window == 0 && what.in.width % what.window == 0;
  if (!whole && in_gradient.size() > 0)
    check(cudaMemsetAsync(
        in_gradient.data, 0, in_gradient.size() * sizeof(float), handle(on)));
  const auto floor = then == activation::relu ? 0.0f : -INFINITY;
  if (out.size() > 0)
    launch(on, max_pool_backward_kernel, blocks_of(of, in.rows), threads, of,
        floor, in.data, out.data, out_gradient.data, in_gradient.data, in.rows);
}

} // namespace troupe::gpu::cuda
