#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;

__device__ float second_moment(
    const server_options& how, float v, float square) {
  if (how.rule == server_rule::fed_adagrad)
    return __fadd_rn(v, square);
  const auto part = __fmul_rn(1.0f - how.beta2, square);
  if (how.rule == server_rule::fed_adam)
    return __fadd_rn(__fmul_rn(how.beta2, v), part);
  return v > square ? __fsub_rn(v, part) : v < square ? __fadd_rn(v, part) : v;
}

// Each operation rounds by itself, as the host's do.
__global__ void __launch_bounds__(threads) server_step_kernel(
    const server_options how, const float* __restrict__ delta,
    float* __restrict__ m, float* __restrict__ v,
    float* __restrict__ parameters, std::size_t size) {
  each_few(size, aligned_for_all(delta, m, v, parameters),
      [&](std::size_t i, auto n) {
        const auto d = load<n>(delta + i);
        auto first = load<n>(m + i);
        auto second = load<n>(v + i);
        auto values = load<n>(parameters + i);
#pragma unroll
        for (unsigned k = 0; k < n; ++k) {
          first.of[k] = __fadd_rn(__fmul_rn(how.beta1, first.of[k]),
              __fmul_rn(1.0f - how.beta1, d.of[k]));
          second.of[k] =
              second_moment(how, second.of[k], __fmul_rn(d.of[k], d.of[k]));
          const auto scale = __fadd_rn(__fsqrt_rn(second.of[k]), how.tau);
          values.of[k] = __fadd_rn(
              values.of[k], __fdiv_rn(__fmul_rn(how.lr, first.of[k]), scale));
        }
        store(m + i, first);
        store(v + i, second);
        store(parameters + i, values);
      });
}

} // namespace

void server_step(device_stream& on, const server_options& how,
    std::span<const float> delta, std::span<float> m, std::span<float> v,
    std::span<float> parameters) {
  if (!parameters.empty())
    launch(on, server_step_kernel,
        blocks_for(on, server_step_kernel, threads, parameters.size(),
            threads * at_once),
        threads, how, delta.data(), m.data(), v.data(), parameters.data(),
        parameters.size());
}

} // namespace troupe::gpu::cuda
