#include "gpu/cuda/operators.hpp"

#include <algorithm>
#include <cassert>

#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr std::size_t of_block = std::size_t{threads} * at_once;

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

// Lanes along the grid's third dimension, a lane's rows along its second, what
// a row holds along its first.
__global__ void __launch_bounds__(threads) gather_kernel(
    const lane_work* __restrict__ works, const lane_step* __restrict__ steps,
    std::size_t share, float* __restrict__ features,
    std::uint8_t* __restrict__ labels, std::size_t lanes, std::size_t width) {
  for (std::size_t lane = blockIdx.z; lane < lanes; lane += gridDim.z) {
    const auto step = steps[lane];
    if (step.rows == 0)
      continue;
    const auto work = works[lane];
    for (std::size_t i = blockIdx.y; i < step.rows; i += gridDim.y) {
      const auto row = lane * share + i;
      const auto sample = std::size_t{work.order[step.first + i]};
      auto* to = features + row * width;
      if (work.bytes != nullptr)
        map(
            width, to,
            [](std::uint8_t x) { return __fdiv_rn(float(x), 255.0f); },
            work.bytes + sample * width);
      else
        map(
            width, to, [](float x) { return x; }, work.floats + sample * width);
      if (blockIdx.x == 0 && threadIdx.x == 0)
        labels[row] = work.labels[sample];
    }
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
    launch(on, next_steps_kernel,
        blocks_for(on, next_steps_kernel, warp, works.size(), warp), warp,
        works.data(), steps.data(), works.size());
}

void gather(device_stream& on, std::span<const lane_work> works,
    std::span<const lane_step> steps, matrix features,
    std::span<std::uint8_t> labels) {
  assert(works.size() == steps.size() && labels.size() == features.rows);
  if (features.rows == 0)
    return;
  assert(features.rows % works.size() == 0 && "lanes have equal shares");
  const auto share = features.rows / works.size();
  launch(on, gather_kernel,
      {blocks_for(on, gather_kernel, threads, features.columns, of_block),
          unsigned(std::min(share, most_blocks)),
          unsigned(std::min(works.size(), most_blocks))},
      threads, works.data(), steps.data(), share, features.data, labels.data(),
      works.size(), features.columns);
}

} // namespace troupe::gpu::cuda
