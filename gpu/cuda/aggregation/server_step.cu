#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;

// Each operation rounds by itself, as the host's do.
__device__ double mean(long long sum, double denominator) {
  return __ddiv_rn(static_cast<double>(sum), denominator);
}

__global__ void __launch_bounds__(threads) move_kernel(const server_options how,
    const long long* __restrict__ sums, double denominator, const float* x,
    const float* m, float* next_x, float* next_m, std::size_t size) {
  each_few(size, aligned_for_all(sums, x, m, next_x, next_m),
      [&](std::size_t i, auto n) {
        const auto sum = load<n>(sums + i);
        auto values = load<n>(x + i);
        auto first = load<n>(m + i);
#pragma unroll
        for (unsigned k = 0; k < n; ++k) {
          const auto d = mean(sum.of[k], denominator);
          const auto moved = __dadd_rn(
              __dmul_rn(how.momentum, static_cast<double>(first.of[k])), d);
          const auto step = how.nesterov
                                ? __dadd_rn(d, __dmul_rn(how.momentum, moved))
                                : moved;
          first.of[k] = static_cast<float>(moved);
          values.of[k] = static_cast<float>(__dadd_rn(
              static_cast<double>(values.of[k]), __dmul_rn(how.lr, step)));
        }
        store(next_x + i, values);
        store(next_m + i, first);
      });
}

__device__ double second_moment(
    const server_options& how, double v, double square) {
  if (how.rule == server_rule::fed_adagrad)
    return __dadd_rn(v, square);
  const auto part = __dmul_rn(__dsub_rn(1.0, how.beta2), square);
  if (how.rule == server_rule::fed_adam)
    return __dadd_rn(__dmul_rn(how.beta2, v), part);
  return v > square ? __dsub_rn(v, part) : v < square ? __dadd_rn(v, part) : v;
}

__global__ void __launch_bounds__(threads)
    adapt_kernel(const server_options how, const long long* __restrict__ sums,
        double denominator, const float* x, const float* m, const float* v,
        float* next_x, float* next_m, float* next_v, std::size_t size) {
  each_few(size, aligned_for_all(sums, x, m, v, next_x, next_m, next_v),
      [&](std::size_t i, auto n) {
        const auto sum = load<n>(sums + i);
        auto values = load<n>(x + i);
        auto first = load<n>(m + i);
        auto second = load<n>(v + i);
#pragma unroll
        for (unsigned k = 0; k < n; ++k) {
          const auto d = mean(sum.of[k], denominator);
          const auto moved = __dadd_rn(
              __dmul_rn(how.momentum, static_cast<double>(first.of[k])),
              __dmul_rn(__dsub_rn(1.0, how.momentum), d));
          const auto spread = second_moment(
              how, static_cast<double>(second.of[k]), __dmul_rn(d, d));
          const auto scale = __dadd_rn(__dsqrt_rn(spread), how.epsilon);
          first.of[k] = static_cast<float>(moved);
          second.of[k] = static_cast<float>(spread);
          values.of[k] =
              static_cast<float>(__dadd_rn(static_cast<double>(values.of[k]),
                  __ddiv_rn(__dmul_rn(how.lr, moved), scale)));
        }
        store(next_x + i, values);
        store(next_m + i, first);
        store(next_v + i, second);
      });
}

// Leads: the parameters that it is added to, or null.
__global__ void __launch_bounds__(threads)
    variate_kernel(const variate_step how, const long long* __restrict__ sums,
        const float* v, float* next_v, float* leads, std::size_t size) {
  const auto stride = std::size_t{gridDim.x} * threads;
  for (auto i = std::size_t{blockIdx.x} * threads + threadIdx.x; i < size;
       i += stride) {
    const auto next = static_cast<float>(
        __dadd_rn(__dmul_rn(how.keep, static_cast<double>(v[i])),
            __dmul_rn(how.gain, static_cast<double>(sums[i]))));
    next_v[i] = next;
    if (leads != nullptr)
      leads[i] = static_cast<float>(
          __dadd_rn(static_cast<double>(leads[i]), static_cast<double>(next)));
  }
}

const long long* plain(std::span<const std::int64_t> sums) {
  return reinterpret_cast<const long long*>(sums.data());
}

} // namespace

void server_step(device_stream& on, const server_options& how,
    const exact_mean& delta, const server_blocks<const float>& from,
    const server_blocks<float>& to) {
  const auto size = to.parameters.size();
  if (size == 0)
    return;
  if (how.rule == server_rule::fed_avgm)
    launch(on, move_kernel,
        blocks_for(on, move_kernel, threads, size, threads * at_once), threads,
        how, plain(delta.sums), delta.denominator, from.parameters.data(),
        from.momentum.data(), to.parameters.data(), to.momentum.data(), size);
  else
    launch(on, adapt_kernel,
        blocks_for(on, adapt_kernel, threads, size, threads * at_once), threads,
        how, plain(delta.sums), delta.denominator, from.parameters.data(),
        from.momentum.data(), from.variance.data(), to.parameters.data(),
        to.momentum.data(), to.variance.data(), size);
}

void move_variate(device_stream& on, variate_use use, const variate_step& how,
    std::span<const std::int64_t> sums, const server_blocks<const float>& from,
    const server_blocks<float>& to) {
  if (sums.empty())
    return;
  launch(on, variate_kernel,
      blocks_for(on, variate_kernel, threads, sums.size(), threads), threads,
      how, plain(sums), from.variate.data(), to.variate.data(),
      use == variate_use::leads ? to.parameters.data() : nullptr, sums.size());
}

} // namespace troupe::gpu::cuda
