#include "gpu/cuda/operators.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

// A warp takes a row.
namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr unsigned rows_of_block = threads / warp;
constexpr unsigned none = 0xffffffff;

struct position {
  float value;
  unsigned index;
};

__device__ position larger(position a, position b) {
  const auto second =
      b.index != none && (a.index == none || b.value > a.value ||
                             (b.value == a.value && b.index < a.index));
  return second ? b : a;
}

/// What a warp, each of whose threads calls this, finds out about one row.
struct row_of_logits {
  const float* values;
  unsigned columns;
  unsigned lane; // of the calling thread, in its warp

  __device__ float largest() const {
    auto result = -INFINITY;
    for (auto j = lane; j < columns; j += warp)
      result = fmaxf(result, values[j]);
    for (unsigned lanes = warp / 2; lanes > 0; lanes /= 2)
      result = fmaxf(
          result, __shfl_xor_sync(whole_warp, result, static_cast<int>(lanes)));
    return result;
  }
  __device__ float sum_of_powers(float largest) const {
    auto sum = 0.0f;
    for (auto j = lane; j < columns; j += warp)
      sum += expf(values[j] - largest);
    return sum_of_warp(sum);
  }
  __device__ float loss(unsigned label, float largest, float sum) const {
    return largest + logf(sum) - values[label];
  }
  __device__ float loss(unsigned label) const {
    const auto most = largest();
    return loss(label, most, sum_of_powers(most));
  }
  __device__ bool correct(unsigned label) const {
    position best{0.0f, none};
    auto nan = 0;
    for (auto j = lane; j < columns; j += warp) {
      best = larger(best, {values[j], j});
      nan |= values[j] != values[j];
    }
    for (auto lanes = int(warp / 2); lanes > 0; lanes /= 2)
      best = larger(best, {__shfl_xor_sync(whole_warp, best.value, lanes),
                              __shfl_xor_sync(whole_warp, best.index, lanes)});
    // With a NaN the threads may not agree on the best, but all have to vote.
    const auto any_nan = __ballot_sync(whole_warp, nan) != 0;
    return best.index == label && !any_nan;
  }
};

__device__ row_of_logits row(
    const float* logits, std::size_t which, std::size_t columns) {
  return {logits + which * columns, unsigned(columns), threadIdx.x % warp};
}

__device__ std::size_t first_row() {
  return std::size_t{blockIdx.x} * rows_of_block + threadIdx.x / warp;
}

__global__ void __launch_bounds__(threads) losses_kernel(
    const float* __restrict__ logits, const std::uint8_t* __restrict__ labels,
    float* __restrict__ losses, std::size_t rows, std::size_t columns) {
  const auto i = first_row();
  if (i >= rows)
    return;
  const auto x = row(logits, i, columns);
  const auto loss = x.loss(labels[i]);
  if (x.lane == 0)
    losses[i] = loss;
}

__global__ void __launch_bounds__(threads) cross_entropy_kernel(
    const float* __restrict__ logits, const std::uint8_t* __restrict__ labels,
    float* __restrict__ losses, float scale, float* __restrict__ gradient,
    std::size_t rows, std::size_t columns, const lane_step* __restrict__ steps,
    std::size_t share) {
  const auto i = first_row();
  if (i >= rows)
    return;
  if (steps != nullptr) {
    if (i % share >= steps[i / share].rows)
      return;
    scale = steps[i / share].scale;
  }
  const auto x = row(logits, i, columns);
  const auto label = labels[i];
  const auto largest = x.largest();
  const auto sum = x.sum_of_powers(largest);
  for (auto j = x.lane; j < columns; j += warp)
    gradient[i * columns + j] =
        (expf(x.values[j] - largest) / sum - (j == label ? 1.0f : 0.0f)) *
        scale;
  if (x.lane == 0)
    losses[i] = x.loss(label, largest, sum);
}

__global__ void __launch_bounds__(threads)
    count_correct_kernel(const float* __restrict__ logits,
        const std::uint8_t* __restrict__ labels, std::size_t rows,
        std::size_t columns, unsigned long long* __restrict__ count) {
  const auto i = first_row();
  if (i >= rows)
    return;
  const auto x = row(logits, i, columns);
  if (x.correct(labels[i]) && x.lane == 0)
    atomicAdd(count, 1ull);
}

// A thread takes a lane, whose sum has one order.
__global__ void tally_kernel(const lane_step* __restrict__ steps,
    std::size_t lanes, const float* __restrict__ losses, std::size_t share,
    lane_tally* __restrict__ tallies) {
  each(lanes, [=](std::size_t lane) {
    const auto step = steps[lane];
    auto& to = tallies[lane];
    auto sum = 0.0;
    auto squares = 0.0;
#pragma unroll 8
    for (unsigned i = 0; i < step.rows; ++i) {
      const double loss = losses[lane * share + i];
      sum += loss;
      squares += loss * loss;
    }
    to.loss += sum;
    to.square_loss += squares;
    if (to.bad == 0 && !(fabs(sum) < INFINITY)) {
      to.bad = to.steps + 1;
      to.bad_loss = sum * step.scale;
    }
    to.steps += step.completes;
  });
}

// One block, so that there is one order, of chunks of rows: warps find out
// about rows, and one thread adds what they found.
constexpr unsigned score_threads = 1024;
constexpr unsigned chunk = 1024;

__global__ void __launch_bounds__(score_threads) score_kernel(
    const lane_step* __restrict__ step, const float* __restrict__ logits,
    const std::uint8_t* __restrict__ labels, std::size_t columns,
    lane_score* __restrict__ sums) {
  __shared__ float losses[chunk];
  __shared__ std::uint8_t correct[chunk];
  const std::size_t rows = step->rows;
  for (std::size_t first = 0; first < rows; first += chunk) {
    const auto here = unsigned(rows - first < chunk ? rows - first : chunk);
    for (auto i = threadIdx.x / warp; i < here; i += score_threads / warp) {
      const auto x = row(logits, first + i, columns);
      const auto label = labels[first + i];
      const auto loss = x.loss(label);
      const auto right = x.correct(label);
      if (x.lane == 0) {
        losses[i] = loss;
        correct[i] = right ? 1 : 0;
      }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      auto total = *sums;
      for (unsigned i = 0; i < here; ++i) {
        total.loss += losses[i];
        total.correct += correct[i];
      }
      *sums = total;
    }
    __syncthreads();
  }
}

unsigned blocks_of(std::size_t rows) {
  return unsigned((rows + rows_of_block - 1) / rows_of_block);
}

} // namespace

void softmax_cross_entropy(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses, float scale,
    matrix gradient, std::span<const lane_step> steps) {
  assert(labels.size() == logits.rows && losses.size() == logits.rows);
  const auto share = steps.empty() ? 0 : logits.rows / steps.size();
  if (logits.size() == 0)
    return;
  if (gradient.size() == 0)
    return launch(on, losses_kernel, blocks_of(logits.rows), threads,
        logits.data, labels.data(), losses.data(), logits.rows, logits.columns);
  launch(on, cross_entropy_kernel, blocks_of(logits.rows), threads, logits.data,
      labels.data(), losses.data(), scale, gradient.data, logits.rows,
      logits.columns, steps.data(), share);
}

std::size_t count_correct(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels) {
  if (logits.size() == 0)
    return 0;
  block<unsigned long long> count{1, on};
  check(
      cudaMemsetAsync(count.data(), 0, count.span().size_bytes(), handle(on)));
  launch(on, count_correct_kernel, blocks_of(logits.rows), threads, logits.data,
      labels.data(), logits.rows, logits.columns, count.data());
  unsigned long long result = 0;
  copy(on, count.span(), std::span{&result, 1});
  on.synchronise();
  return result;
}

void tally(device_stream& on, std::span<const lane_step> steps,
    std::span<const float> losses, std::span<lane_tally> tallies) {
  if (!steps.empty())
    launch(on, tally_kernel,
        blocks_for(on, tally_kernel, warp, steps.size(), warp), warp,
        steps.data(), steps.size(), losses.data(), losses.size() / steps.size(),
        tallies.data());
}

void score(device_stream& on, std::span<const lane_step> step,
    const_matrix logits, std::span<const std::uint8_t> labels,
    std::span<lane_score> sums) {
  launch(on, score_kernel, 1, score_threads, step.data(), logits.data,
      labels.data(), logits.columns, sums.data());
}

} // namespace troupe::gpu::cuda
