#include "gpu/cuda/operators.hpp"

#include <algorithm>
#include <cassert>

#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/lane.cuh"
#include "gpu/cuda/launch.hpp"

// Every sum has an order that depends on sizes alone.
namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr unsigned warps = threads / warp;
constexpr std::size_t of_block = std::size_t{threads} * at_once;
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

/// The sum of what a block's threads bring, in each of them.
__device__ double sum_of_block(double x) {
  __shared__ double sums[warps];
  x = sum_of_warp(x);
  if (threadIdx.x % warp == 0)
    sums[threadIdx.x / warp] = x;
  __syncthreads();
  auto result = sums[0];
  for (unsigned i = 1; i < warps; ++i)
    result += sums[i];
  return result;
}

/// The largest of them, likewise.
__device__ int largest_of_block(int x) {
  __shared__ int largest[warps];
  x = largest_of_warp(x);
  if (threadIdx.x % warp == 0)
    largest[threadIdx.x / warp] = x;
  __syncthreads();
  auto result = largest[0];
  for (unsigned i = 1; i < warps; ++i)
    result = max(result, largest[i]);
  return result;
}

// Squares of each lane in parts, which are along the grid's first dimension.
// Ours, as Thrust knows neither lanes nor recordings.
__global__ void __launch_bounds__(threads)
    square_parts_kernel(lane_blocks<const float> x, std::size_t size,
        const lane_step* __restrict__ steps, double* __restrict__ sums) {
  const auto lane = blockIdx.y;
  if (rests(steps, lane))
    return;
  const auto* __restrict__ values = x[lane];
  auto sum = 0.0;
  each(size, [&](std::size_t i) {
    const auto value = double(values[i]);
    sum += value * value;
  });
  sum = sum_of_block(sum);
  if (threadIdx.x == 0)
    sums[std::size_t{lane} * gridDim.x + blockIdx.x] = sum;
}

/// What to multiply each lane's gradient by; a block a lane.
__global__ void __launch_bounds__(threads)
    clip_kernel(float clip, const double* __restrict__ parts, unsigned count,
        const lane_step* __restrict__ steps, float* __restrict__ factors) {
  const auto lane = blockIdx.x;
  if (rests(steps, lane))
    return;
  auto sum = 0.0;
  for (auto i = threadIdx.x; i < count; i += threads)
    sum += parts[std::size_t{lane} * count + i];
  const auto norm = sqrt(sum_of_block(sum));
  if (threadIdx.x == 0)
    factors[lane] = norm > clip ? float(clip / norm) : 1.0f;
}

unsigned parts_of(std::size_t size) {
  constexpr std::size_t values = std::size_t{threads} * 16;
  return unsigned(std::clamp<std::size_t>(size / values, 1, 1024));
}

// The host's operations one by one, so that its bits are the host's.
__device__ float scale_and_add(float a, float x, float b, float y) {
  return b == 0.0f ? __fmul_rn(a, x)
                   : __fadd_rn(__fmul_rn(a, x), __fmul_rn(b, y));
}

__global__ void __launch_bounds__(threads)
    pull_kernel(float mu, lane_blocks<const float> start,
        lane_blocks<const float> parameters, lane_blocks<float> gradient,
        std::size_t size, const lane_step* __restrict__ steps) {
  const auto lane = blockIdx.y;
  if (rests(steps, lane) || (steps != nullptr && steps[lane].completes == 0))
    return;
  auto* g = gradient[lane];
  map(
      size, g,
      [=](float of_g, float of_w, float of_start) {
        return __fadd_rn(of_g, __fmul_rn(mu, __fadd_rn(of_w, -of_start)));
      },
      g, parameters[lane], start[lane]);
}

__global__ void __launch_bounds__(threads)
    correct_kernel(lane_blocks<const float> by, lane_blocks<float> gradient,
        std::size_t size, const lane_step* __restrict__ steps) {
  const auto lane = blockIdx.y;
  if (rests(steps, lane) || (steps != nullptr && steps[lane].completes == 0))
    return;
  auto* g = gradient[lane];
  map(
      size, g, [=](float of_g, float more) { return __fadd_rn(of_g, more); }, g,
      by[lane]);
}

// Factors: of the lanes' gradients, or null.
__global__ void __launch_bounds__(threads) descend_kernel(descent how,
    lane_blocks<const float> gradient, bool moving, lane_blocks<float> velocity,
    lane_blocks<float> parameters, std::size_t size,
    const lane_step* __restrict__ steps, const float* __restrict__ factors) {
  const auto lane = blockIdx.y;
  auto rate = how.lr;
  if (steps != nullptr) {
    const auto step = steps[lane];
    if (step.rows == 0 || step.completes == 0)
      return;
    rate = step.rate;
    moving = step.moving != 0;
  }
  const auto factor = factors == nullptr ? 1.0f : factors[lane];
  const auto* g = gradient[lane];
  auto* v = velocity[lane];
  auto* w = parameters[lane];
  if (how.momentum > 0.0f) {
    const auto momentum = moving ? how.momentum : 0.0f;
    each_few(size, aligned_for_all(g, v, w), [=](std::size_t i, auto n) {
      const auto gradients = load<n>(g + i);
      neighbours<float, n> before{};
      if (momentum != 0.0f)
        before = load<n>(v + i);
      auto values = load<n>(w + i);
      neighbours<float, n> velocities;
#pragma unroll
      for (unsigned k = 0; k < n; ++k) {
        auto now =
            scale_and_add(factor, gradients.of[k], momentum, before.of[k]);
        now = scale_and_add(how.weight_decay, values.of[k], 1.0f, now);
        velocities.of[k] = now;
        values.of[k] = scale_and_add(-rate, now, 1.0f, values.of[k]);
      }
      store(v + i, velocities);
      store(w + i, values);
    });
  } else {
    const auto step = __fmul_rn(-rate, factor);
    const auto keep = __fadd_rn(1.0f, -__fmul_rn(rate, how.weight_decay));
    map(
        size, w,
        [=](float of_g, float of_w) {
          return scale_and_add(step, of_g, keep, of_w);
        },
        g, w);
  }
}

// `delta` may be `trained`.
__global__ void __launch_bounds__(threads)
    difference_kernel(const float* trained, const float* given, float* delta,
        std::size_t size, unsigned* __restrict__ largest) {
  auto most = 0;
  each_few(
      size, aligned_for_all(trained, given, delta), [&](std::size_t i, auto n) {
        auto values = load<n>(trained + i);
        const auto less = load<n>(given + i);
#pragma unroll
        for (unsigned k = 0; k < n; ++k) {
          values.of[k] -= less.of[k];
          most = max(most, magnitude(values.of[k]));
        }
        store(delta + i, values);
      });
  most = largest_of_block(most);
  if (threadIdx.x == 0)
    atomicMax(largest, unsigned(most));
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

void descend(device_stream& on, const descent& how, lanes gradient, bool moving,
    lanes velocity, lanes parameters, const drift& more) {
  const auto size = parameters.size;
  const auto count = unsigned(parameters.count);
  assert(gradient.size == size && count <= most_blocks);
  if (size == 0)
    return;
  if (how.pull > 0.0f)
    launch(on, pull_kernel,
        {blocks_for(on, pull_kernel, threads, size, of_block, count), count},
        threads, how.pull, lane_blocks<const float>{more.start},
        lane_blocks<const float>{parameters}, lane_blocks<float>{gradient},
        size, parameters.steps);
  if (more.correction.size > 0)
    launch(on, correct_kernel,
        {blocks_for(on, correct_kernel, threads, size, of_block, count), count},
        threads, lane_blocks<const float>{more.correction},
        lane_blocks<float>{gradient}, size, parameters.steps);
  float* factors = nullptr;
  if (how.clip > 0.0f) {
    const auto parts = parts_of(size);
    auto* squares = static_cast<double*>(
        of(on).scratch(count * (parts * sizeof(double) + sizeof(float))));
    factors = reinterpret_cast<float*>(squares + std::size_t{count} * parts);
    launch(on, square_parts_kernel, {parts, count}, threads,
        lane_blocks<const float>{gradient}, size, parameters.steps, squares);
    launch(on, clip_kernel, count, threads, how.clip, squares, parts,
        parameters.steps, factors);
  }
  launch(on, descend_kernel,
      {blocks_for(on, descend_kernel, threads, size, of_block, count), count},
      threads, how, lane_blocks<const float>{gradient}, moving,
      lane_blocks<float>{velocity}, lane_blocks<float>{parameters}, size,
      parameters.steps, factors);
}

void difference(device_stream& on, std::span<const float> trained,
    std::span<const float> given, std::span<float> delta,
    std::span<std::uint32_t> largest) {
  assert(trained.size() == given.size() && trained.size() == delta.size());
  check(cudaMemsetAsync(largest.data(), 0, sizeof(std::uint32_t), handle(on)));
  if (!delta.empty())
    launch(on, difference_kernel,
        blocks_for(on, difference_kernel, threads, delta.size(), of_block),
        threads, trained.data(), given.data(), delta.data(), delta.size(),
        largest.data());
}

} // namespace troupe::gpu::cuda
