#pragma once

#include <cstddef>

#include <cuda_runtime.h>

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
    to[at] = beta == 0.0f ? alpha * gradient : alpha * gradient + beta * to[at];
  }
  /// Four that are one line of memory together.
  __device__ void put(std::size_t at, const float (&gradient)[4]) const {
    auto* where = reinterpret_cast<float4*>(to + at);
    float4 sum{alpha * gradient[0], alpha * gradient[1], alpha * gradient[2],
        alpha * gradient[3]};
    if (beta != 0.0f) {
      const auto before = *where;
      sum.x += beta * before.x;
      sum.y += beta * before.y;
      sum.z += beta * before.z;
      sum.w += beta * before.w;
    }
    *where = sum;
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
