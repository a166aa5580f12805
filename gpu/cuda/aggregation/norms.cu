#include <algorithm>

#include "gpu/aggregation/ordered_sum.hpp"
#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

namespace troupe::gpu::cuda {
namespace {

using ordered::columns;
using ordered::tile;

constexpr unsigned threads = columns;

// As `ordered::fold`; the sum is the first thread's.
__device__ double fold(double sum) {
  __shared__ double sums[columns];
  sums[threadIdx.x] = sum;
  for (unsigned half = columns / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half)
      sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  return sums[threadIdx.x];
}

// Of a difference, if there is something to subtract.
__device__ double square(const float* value, const float* less) {
  auto root = static_cast<double>(__ldg(value));
  if (less != nullptr)
    root = __dsub_rn(root, static_cast<double>(__ldg(less)));
  return __dmul_rn(root, root);
}

// One block a tile: a thread sums a column. Ours, as Thrust's order of
// adding is not the host's.
__global__ void __launch_bounds__(threads) tile_kernel(
    const float* __restrict__ values, const float* __restrict__ less,
    std::size_t size, double* __restrict__ sums) {
  const auto first = blockIdx.x * tile + threadIdx.x;
  double sum = 0.0;
  auto add = [&](std::size_t i) {
    sum = __dadd_rn(
        sum, square(values + i, less == nullptr ? nullptr : less + i));
  };
  if (blockIdx.x * tile + tile <= size) {
    for (unsigned k = 0; k < tile / columns; ++k)
      add(first + k * columns);
  } else {
    for (auto i = first; i < size; i += columns)
      add(i);
  }
  sum = fold(sum);
  if (threadIdx.x == 0)
    sums[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(threads)
    sum_kernel(const double* __restrict__ parts, std::size_t count,
        double* __restrict__ result) {
  double sum = 0.0;
  for (std::size_t i = threadIdx.x; i < count; i += columns)
    sum = __dadd_rn(sum, parts[i]);
  sum = fold(sum);
  if (threadIdx.x == 0)
    *result = sum;
}

// Ours beside scale_and_add: in double, rounded once, as the host has it.
__global__ void __launch_bounds__(threads)
    scale_kernel(double factor, float* __restrict__ values, std::size_t size) {
  map(
      size, values,
      [=](float x) {
        return static_cast<float>(__dmul_rn(factor, static_cast<double>(x)));
      },
      values);
}

} // namespace

std::vector<double> squared_norms(device_stream& on, updates of, updates from) {
  std::vector<double> result(of.size());
  std::size_t most = 0;
  for (auto values : of)
    most = std::max(most, ordered::tiles(values.size()));
  if (most == 0)
    return result;
  auto parts = block<double>(most, on);
  auto sums = block<double>(of.size(), on);
  for (std::size_t i = 0; i < of.size(); ++i) {
    const auto tiles = ordered::tiles(of[i].size());
    if (tiles > 0)
      launch(on, tile_kernel, static_cast<unsigned>(tiles), threads,
          of[i].data(), from.empty() ? nullptr : from[i].data(), of[i].size(),
          parts.data());
    launch(on, sum_kernel, 1, threads, parts.data(), tiles, sums.data() + i);
  }
  copy(on, sums.span(), std::span{result});
  on.synchronise();
  return result;
}

void scale(device_stream& on, double factor, std::span<float> values) {
  if (!values.empty())
    launch(on, scale_kernel,
        blocks_for(on, scale_kernel, threads, values.size(), threads * at_once),
        threads, factor, values.data(), values.size());
}

} // namespace troupe::gpu::cuda
