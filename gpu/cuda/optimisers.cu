#include "gpu/cuda/operators.hpp"

#include <cassert>

#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

// Bound by memory, all of them. The host's operations one by one, so that the
// bits are the host's.
namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr unsigned warps = threads / warp;
constexpr std::size_t of_block = std::size_t{threads} * at_once;

__device__ float moved(float from, float factor, float along) {
  return __fadd_rn(from, __fmul_rn(factor, along));
}

// Without a velocity, v is null.
__global__ void __launch_bounds__(threads)
    sgd_kernel(const sgd_step how, const float* __restrict__ gradient,
        float* __restrict__ v, float* __restrict__ w, std::size_t size) {
  each_few(size, aligned_for_all(gradient, v, w), [=](std::size_t i, auto n) {
    const auto gradients = load<n>(gradient + i);
    auto values = load<n>(w + i);
    neighbours<float, n> velocities{};
    if (v != nullptr)
      velocities = load<n>(v + i);
#pragma unroll
    for (unsigned k = 0; k < n; ++k) {
      const auto g = moved(__fmul_rn(how.scale, gradients.of[k]),
          how.weight_decay, values.of[k]);
      auto along = g;
      if (v != nullptr) {
        along = moved(g, how.momentum, velocities.of[k]);
        velocities.of[k] = along;
        if (how.nesterov)
          along = moved(g, how.momentum, along);
      }
      values.of[k] = moved(values.of[k], -how.rate, along);
    }
    if (v != nullptr)
      store(v + i, velocities);
    store(w + i, values);
  });
}

__global__ void __launch_bounds__(threads) adamw_kernel(const adamw_step how,
    const float* __restrict__ gradient, float* __restrict__ m,
    float* __restrict__ v, float* __restrict__ w, std::size_t size) {
  each_few(
      size, aligned_for_all(gradient, m, v, w), [=](std::size_t i, auto n) {
        const auto gradients = load<n>(gradient + i);
        auto first = load<n>(m + i);
        auto second = load<n>(v + i);
        auto values = load<n>(w + i);
#pragma unroll
        for (unsigned k = 0; k < n; ++k) {
          const auto g = __fmul_rn(how.scale, gradients.of[k]);
          const auto mean =
              moved(__fmul_rn(how.beta1, first.of[k]), how.rest1, g);
          const auto square = moved(
              __fmul_rn(how.beta2, second.of[k]), how.rest2, __fmul_rn(g, g));
          const auto spread = moved(how.epsilon, how.root, __fsqrt_rn(square));
          first.of[k] = mean;
          second.of[k] = square;
          values.of[k] = __fadd_rn(__fmul_rn(how.keep, values.of[k]),
              __fdiv_rn(__fmul_rn(-how.rate, mean), spread));
        }
        store(m + i, first);
        store(v + i, second);
        store(w + i, values);
      });
}

// A warp a tile: a lane sums a column, and the columns are folded in halves.
__global__ void __launch_bounds__(threads)
    squares_kernel(const float* __restrict__ values, std::size_t size,
        std::size_t tile, double* __restrict__ sums) {
  const auto lane = threadIdx.x % warp;
  const auto which = std::size_t{blockIdx.x} * warps + threadIdx.x / warp;
  const auto first = which * tile;
  if (first >= size)
    return;
  const auto end = size - first < tile ? size : first + tile;
  auto sum = 0.0;
#pragma unroll 8
  for (auto i = first + lane; i < end; i += warp) {
    const auto value = double(values[i]);
    sum = __dadd_rn(sum, __dmul_rn(value, value));
  }
  sum = sum_of_warp(sum);
  if (lane == 0)
    sums[which] = sum;
}

} // namespace

void step(device_stream& on, const sgd_step& how,
    std::span<const float> gradient, std::span<float> velocity,
    std::span<float> parameters) {
  const auto size = parameters.size();
  if (size == 0)
    return;
  launch(on, sgd_kernel, blocks_for(on, sgd_kernel, threads, size, of_block),
      threads, how, gradient.data(), velocity.data(), parameters.data(), size);
}

void step(device_stream& on, const adamw_step& how,
    std::span<const float> gradient, std::span<float> first_moment,
    std::span<float> second_moment, std::span<float> parameters) {
  const auto size = parameters.size();
  if (size == 0)
    return;
  launch(on, adamw_kernel,
      blocks_for(on, adamw_kernel, threads, size, of_block), threads, how,
      gradient.data(), first_moment.data(), second_moment.data(),
      parameters.data(), size);
}

void sums_of_squares(device_stream& on, std::span<const float> values,
    std::size_t tile, std::span<double> sums) {
  assert(sums.size() == (values.size() + tile - 1) / tile);
  if (values.empty())
    return;
  launch(on, squares_kernel, unsigned((sums.size() + warps - 1) / warps),
      threads, values.data(), values.size(), tile, sums.data());
}

} // namespace troupe::gpu::cuda
