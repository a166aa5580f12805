#pragma once

#include <cstddef>

#include <cuda_runtime.h>

#include "gpu/cuda/grid.cuh"
#include "gpu/lanes.hpp"

// `basic_lanes` and `gradient_sink` as kernels take them.
namespace troupe::gpu::cuda {

/// Of the rows in a lane's share, those that its step has.
__device__ inline unsigned rows_of(
    const lane_step* steps, std::size_t lane, unsigned share) {
  return steps == nullptr ? share : steps[lane].rows;
}
__device__ inline bool rests(const lane_step* steps, std::size_t lane) {
  return steps != nullptr && steps[lane].rows == 0;
}

template <class T>
struct lane_blocks {
  T* data;
  std::size_t stride;

  lane_blocks(const basic_lanes<T>& from)
      : data(from.data), stride(from.stride) {}
  __device__ T* operator[](std::size_t lane) const {
    return data + lane * stride;
  }
};

/// Where one lane's gradient goes: to = alpha * gradient + beta * to. With
/// beta = 0 what was there is not read: it may be anything.
struct lane_sink {
  float* to;
  float alpha;
  float beta;

  __device__ void put(std::size_t at, float gradient) const {
    put(at, gradient, beta == 0.0f ? 0.0f : to[at]);
  }
  __device__ void put(std::size_t at, float gradient, float before) const {
    to[at] = sum(gradient, before);
  }

  /// What was at the first `left` of four places, V of them one access; zeroes
  /// for the others. Whoever puts several fours asks for all of them first:
  /// they are then on their way together, where each put by itself would wait
  /// for memory once more.
  template <unsigned V>
  __device__ neighbours<float, 4> before(std::size_t at, unsigned left) const {
    neighbours<float, 4> result{};
    if (beta == 0.0f)
      return result;
    if constexpr (V == 4) {
      if (left > 0)
        result = load<4>(to + at);
    } else {
      for (unsigned i = 0; i < 4; ++i)
        if (i < left)
          result.of[i] = to[at + i];
    }
    return result;
  }
  template <unsigned V>
  __device__ void put(std::size_t at, unsigned left, const float (&gradient)[4],
      const neighbours<float, 4>& before) const {
    if constexpr (V == 4) {
      // As an assignment it may become four stores.
      if (left > 0)
        __stwb(reinterpret_cast<float4*>(to + at),
            float4{sum(gradient[0], before.of[0]),
                sum(gradient[1], before.of[1]), sum(gradient[2], before.of[2]),
                sum(gradient[3], before.of[3])});
    } else {
      for (unsigned i = 0; i < 4; ++i)
        if (i < left)
          put(at + i, gradient[i], before.of[i]);
    }
  }

private:
  __device__ float sum(float gradient, float before) const {
    return beta == 0.0f ? alpha * gradient : alpha * gradient + beta * before;
  }
};

struct lane_sinks {
  lane_blocks<float> to;
  const lane_step* steps;
  float alpha;
  float beta;

  lane_sinks(const gradient_sink& from)
      : to(from.destination),
        steps(from.destination.steps),
        alpha(from.alpha),
        beta(from.beta) {}
  __device__ lane_sink operator[](std::size_t lane) const {
    if (steps == nullptr)
      return {to[lane], alpha, beta};
    return {to[lane], steps[lane].alpha, steps[lane].beta};
  }
};

} // namespace troupe::gpu::cuda
