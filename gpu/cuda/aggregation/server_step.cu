#include "gpu/cuda/aggregation/operators.hpp"
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
__global__ void server_step_kernel(const server_options how,
    const float* __restrict__ delta, float* __restrict__ m,
    float* __restrict__ v, float* __restrict__ parameters, std::size_t size) {
  const auto step = std::size_t{gridDim.x} * threads;
  for (auto i = std::size_t{blockIdx.x} * threads + threadIdx.x; i < size;
       i += step) {
    const auto d = delta[i];
    const auto first =
        __fadd_rn(__fmul_rn(how.beta1, m[i]), __fmul_rn(1.0f - how.beta1, d));
    const auto second = second_moment(how, v[i], __fmul_rn(d, d));
    m[i] = first;
    v[i] = second;
    const auto scale = __fadd_rn(__fsqrt_rn(second), how.tau);
    const auto change = __fdiv_rn(__fmul_rn(how.lr, first), scale);
    parameters[i] = __fadd_rn(parameters[i], change);
  }
}

} // namespace

void server_step(device_stream& on, const server_options& how,
    std::span<const float> delta, std::span<float> m, std::span<float> v,
    std::span<float> parameters) {
  if (!parameters.empty())
    launch(on, server_step_kernel, blocks_for(parameters.size(), threads),
        threads, how, delta.data(), m.data(), v.data(), parameters.data(),
        parameters.size());
}

} // namespace troupe::gpu::cuda
