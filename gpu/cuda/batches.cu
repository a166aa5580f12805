#include "gpu/cuda/operators.hpp"

#include <algorithm>
#include <cassert>

#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;

__global__ void assign_kernel(
    lane_work* works, lane_tally* tallies, std::size_t lane, lane_work what) {
  works[lane] = what;
  tallies[lane] = {};
}

__global__ void next_steps_kernel(lane_work* __restrict__ works,
    lane_step* __restrict__ steps, std::size_t lanes) {
  each(lanes, [=](std::size_t lane) {
    auto& work = works[lane];
    steps[lane] = work.next < work.end ? work.steps[work.next++] : lane_step{};
  });
}

// Rows along the grid's second dimension, what a row holds along its first.
__global__ void __launch_bounds__(threads) gather_kernel(
    const lane_work* __restrict__ works, const lane_step* __restrict__ steps,
    std::size_t share, float* __restrict__ features,
    std::uint8_t* __restrict__ labels, std::size_t rows, std::size_t width) {
  for (std::size_t row = blockIdx.y; row < rows; row += gridDim.y) {
    const auto lane = row / share;
    const auto i = row % share;
    if (i >= steps[lane].rows)
      continue;
    const auto work = works[lane];
    const auto sample = std::size_t{work.order[steps[lane].first + i]};
    auto* to = features + row * width;
    if (work.bytes != nullptr)
      each(width, [&](std::size_t at) {
        to[at] = __fdiv_rn(float(work.bytes[sample * width + at]), 255.0f);
      });
    else
      each(width,
          [&](std::size_t at) { to[at] = work.floats[sample * width + at]; });
    if (blockIdx.x == 0 && threadIdx.x == 0)
      labels[row] = work.labels[sample];
  }
}

} // namespace

void assign(device_stream& on, std::span<lane_work> works,
    std::span<lane_tally> tallies, std::size_t lane, const lane_work& what) {
  assert(lane < works.size() && works.size() == tallies.size());
  launch(on, assign_kernel, 1, 1, works.data(), tallies.data(), lane, what);
}

void next_steps(
    device_stream& on, std::span<lane_work> works, std::span<lane_step> steps) {
  assert(works.size() == steps.size());
  if (!works.empty())
    launch(on, next_steps_kernel, blocks_for(works.size(), warp), warp,
        works.data(), steps.data(), works.size());
}

void gather(device_stream& on, std::span<const lane_work> works,
    std::span<const lane_step> steps, matrix features,
    std::span<std::uint8_t> labels) {
  assert(works.size() == steps.size() && labels.size() == features.rows);
  if (features.rows == 0)
    return;
  assert(features.rows % works.size() == 0 && "lanes have equal shares");
  launch(on, gather_kernel,
      {blocks_for(features.columns, threads),
          unsigned(std::min(features.rows, most_blocks))},
      threads, works.data(), steps.data(), features.rows / works.size(),
      features.data, labels.data(), features.rows, features.columns);
}

} // namespace troupe::gpu::cuda
