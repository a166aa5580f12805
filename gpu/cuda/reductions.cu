#include "gpu/cuda/operators.hpp"

#include <algorithm>
#include <cassert>

#include "gpu/copy.hpp"
#include "gpu/cuda/array.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/lane.cuh"
#include "gpu/cuda/launch.hpp"

// Every sum has an order that depends on sizes alone.
namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr unsigned warps = threads / warp;
constexpr std::size_t long_column = 256;

// A block sums `strip` columns of a lane, its threads side by side on rows.
// Narrow strips are still whole sectors of memory, and give a long matrix of
// few columns, as a convolution's gradient is, enough blocks.
template <unsigned strip>
__global__ void __launch_bounds__(threads) sum_columns_kernel(
    const float* __restrict__ x, unsigned share, unsigned rows_of_sample,
    unsigned columns, lane_sinks sinks, std::size_t lanes) {
  constexpr auto groups = threads / strip;
  __shared__ float sums[groups][strip];
  const auto mine = threadIdx.x % strip;
  const auto group = threadIdx.x / strip;
  const auto column = blockIdx.x * strip + mine;
  for (std::size_t lane = blockIdx.y; lane < lanes; lane += gridDim.y) {
    if (rests(sinks.steps, lane))
      continue;
    const auto* from = x + lane * share * rows_of_sample * columns;
    const auto rows = rows_of(sinks.steps, lane, share) * rows_of_sample;
    auto sum = 0.0f;
    if (column < columns)
#pragma unroll 8
      for (auto row = group; row < rows; row += groups)
        sum += from[std::size_t{row} * columns + column];
    sums[group][mine] = sum;
    __syncthreads();
    if (group == 0 && column < columns) {
      for (unsigned i = 1; i < groups; ++i)
        sum += sums[i][mine];
      sinks[lane].put(column, sum);
    }
    __syncthreads();
  }
}

/// The sum of what a block's threads bring, in its first thread.
__device__ double sum_of_block(double x) {
  __shared__ double sums[warps];
  x = sum_of_warp(x);
  if (threadIdx.x % warp == 0)
    sums[threadIdx.x / warp] = x;
  __syncthreads();
  auto result = sums[0];
  for (unsigned i = 1; i < warps; ++i)
    result += sums[i];
  __syncthreads();
  return result;
}

struct itself {
  __device__ double operator()(float x) const { return x; }
};
struct square {
  __device__ double operator()(float x) const { return double(x) * double(x); }
};

// Each lane in `parts` parts, which are along the grid's first dimension.
template <class Of>
__global__ void __launch_bounds__(threads)
    sum_parts_kernel(lane_blocks<const float> x, std::size_t size,
        const lane_step* __restrict__ steps, double* __restrict__ sums) {
  const auto lane = blockIdx.y;
  if (rests(steps, lane))
    return;
  auto sum = 0.0;
  each(size, [&](std::size_t i) { sum += Of{}(x[lane][i]); });
  sum = sum_of_block(sum);
  if (threadIdx.x == 0)
    sums[std::size_t{lane} * gridDim.x + blockIdx.x] = sum;
}

__global__ void __launch_bounds__(threads)
    add_parts_kernel(double* sums, unsigned parts) {
  auto sum = 0.0;
  for (auto i = threadIdx.x; i < parts; i += threads)
    sum += sums[i];
  sum = sum_of_block(sum);
  if (threadIdx.x == 0)
    sums[0] = sum;
}

unsigned parts_of(std::size_t size) {
  constexpr std::size_t values = std::size_t{threads} * 16;
  return unsigned(std::clamp<std::size_t>(size / values, 1, 1024));
}

template <class Of>
double sum_all(device_stream& on, std::span<const float> x) {
  if (x.empty())
    return 0.0;
  const auto parts = parts_of(x.size());
  array<double> sums{parts, on};
  launch(on, sum_parts_kernel<Of>, parts, threads,
      lane_blocks<const float>{const_lanes{x}}, x.size(), nullptr, sums.data());
  launch(on, add_parts_kernel, 1, threads, sums.data(), parts);
  auto result = 0.0;
  copy(on, sums.span().first(1), std::span{&result, 1});
  on.synchronise();
  return result;
}

// The host's operations one by one, so that its bits are the host's.
__device__ float scale_and_add(float a, float x, float b, float y) {
  return b == 0.0f ? __fmul_rn(a, x)
                   : __fadd_rn(__fmul_rn(a, x), __fmul_rn(b, y));
}

/// What to multiply a lane's gradient by; squares: of its parts, or null.
__device__ float clipped(
    const descent& how, const double* __restrict__ squares, unsigned parts) {
  if (squares == nullptr)
    return 1.0f;
  auto sum = 0.0;
  for (unsigned i = 0; i < parts; ++i)
    sum = __dadd_rn(sum, squares[i]);
  const auto norm = sqrt(sum);
  return norm > how.clip ? float(how.clip / norm) : 1.0f;
}

__global__ void __launch_bounds__(threads)
    descend_kernel(descent how, lane_blocks<const float> gradient, bool moving,
        lane_blocks<float> velocity, lane_blocks<float> parameters,
        std::size_t size, const lane_step* __restrict__ steps,
        const double* __restrict__ squares, unsigned parts) {
  __shared__ float scale;
  const auto lane = blockIdx.y;
  auto rate = how.lr;
  if (steps != nullptr) {
    const auto step = steps[lane];
    if (step.rows == 0 || step.completes == 0)
      return;
    rate = step.rate;
    moving = step.moving != 0;
  }
  if (threadIdx.x == 0)
    scale = clipped(how,
        squares == nullptr ? nullptr : squares + std::size_t{lane} * parts,
        parts);
  __syncthreads();
  const auto factor = scale;
  const auto* __restrict__ g = gradient[lane];
  auto* __restrict__ v = velocity[lane];
  auto* __restrict__ w = parameters[lane];
  if (how.momentum > 0.0f) {
    const auto momentum = moving ? how.momentum : 0.0f;
    each(size, [=](std::size_t i) {
      auto now =
          scale_and_add(factor, g[i], momentum, momentum == 0.0f ? 0.0f : v[i]);
      now = scale_and_add(how.weight_decay, w[i], 1.0f, now);
      v[i] = now;
      w[i] = scale_and_add(-rate, now, 1.0f, w[i]);
    });
  } else {
    const auto step = __fmul_rn(-rate, factor);
    const auto keep = __fadd_rn(1.0f, -__fmul_rn(rate, how.weight_decay));
    each(size,
        [=](std::size_t i) { w[i] = scale_and_add(step, g[i], keep, w[i]); });
  }
}

// `delta` may be `trained`.
__global__ void __launch_bounds__(threads)
    difference_kernel(const float* trained, const float* given, float* delta,
        std::size_t size, unsigned* __restrict__ largest) {
  auto most = 0u;
  each(size, [&](std::size_t i) {
    const auto x = trained[i] - given[i];
    delta[i] = x;
    most = max(most, __float_as_uint(x) & 0x7fffffffu);
  });
  for (auto lanes = int(warp / 2); lanes > 0; lanes /= 2)
    most = max(most, __shfl_xor_sync(whole_warp, most, lanes));
  if (threadIdx.x % warp == 0)
    atomicMax(largest, most);
}

template <unsigned strip>
void sum_strips(device_stream& on, const_matrix x, const gradient_sink& to,
    std::size_t rows) {
  const auto count = to.destination.count;
  launch(on, sum_columns_kernel<strip>,
      {unsigned((x.columns + strip - 1) / strip),
          unsigned(std::min(count, most_blocks))},
      threads, x.data, unsigned(x.rows / (count * rows)), unsigned(rows),
      unsigned(x.columns), lane_sinks{to}, count);
}

} // namespace

void sum_columns(
    device_stream& on, const_matrix x, gradient_sink to, std::size_t rows) {
  const auto count = to.destination.count;
  assert(!x.transposed && to.destination.size == x.columns);
  assert(x.rows % (count * rows) == 0 && "lanes have equal shares");
  if (x.columns == 0)
    return;
  if (x.rows / count > long_column)
    sum_strips<8>(on, x, to, rows);
  else
    sum_strips<64>(on, x, to, rows);
}

double sum(device_stream& on, std::span<const float> x) {
  return sum_all<itself>(on, x);
}

double sum_of_squares(device_stream& on, std::span<const float> x) {
  return sum_all<square>(on, x);
}

void descend(device_stream& on, const descent& how, const_lanes gradient,
    bool moving, lanes velocity, lanes parameters) {
  const auto size = parameters.size;
  const auto count = unsigned(parameters.count);
  assert(gradient.size == size && count <= most_blocks);
  if (size == 0)
    return;
  double* squares = nullptr;
  const auto parts = parts_of(size);
  if (how.clip > 0.0f) {
    squares =
        static_cast<double*>(of(on).scratch(count * parts * sizeof(double)));
    launch(on, sum_parts_kernel<square>, {parts, count}, threads,
        lane_blocks<const float>{gradient}, size, parameters.steps, squares);
  }
  launch(on, descend_kernel, {blocks_for(size, threads * 4), count}, threads,
      how, lane_blocks<const float>{gradient}, moving,
      lane_blocks<float>{velocity}, lane_blocks<float>{parameters}, size,
      parameters.steps, squares, parts);
}

void difference(device_stream& on, std::span<const float> trained,
    std::span<const float> given, std::span<float> delta,
    std::span<std::uint32_t> largest) {
  assert(trained.size() == given.size() && trained.size() == delta.size());
  check(cudaMemsetAsync(largest.data(), 0, sizeof(std::uint32_t), handle(on)));
  if (!delta.empty())
    launch(on, difference_kernel, blocks_for(delta.size(), threads), threads,
        trained.data(), given.data(), delta.data(), delta.size(),
        largest.data());
}

} // namespace troupe::gpu::cuda
