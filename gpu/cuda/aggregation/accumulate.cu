#include "gpu/cuda/aggregation/accumulate.hpp"

#include <cassert>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

namespace troupe::gpu::cuda {
namespace {

using namespace fixed_point;
// Unsigned, so that wrapping is what the language says it is.
using sum_type = unsigned long long;

constexpr unsigned threads = 256;
constexpr unsigned items = 8; // sums that a thread keeps in registers
constexpr std::size_t chunk = std::size_t{threads} * items;
constexpr std::size_t of_block = std::size_t{threads} * at_once;

struct batch {
  weighted of[batch_limit];
  unsigned count;
};

__device__ sum_type to_fixed(double scaled_weight, float value) {
  const auto product = __dmul_rn(scaled_weight, static_cast<double>(value));
  return static_cast<sum_type>(
             __double_as_longlong(__dadd_rn(product, magic))) -
         static_cast<sum_type>(magic_bits);
}

// A thread's items lie `threads` apart, so that a warp reads whole lines.
template <bool whole>
__device__ void load(
    const float* __restrict__ from, std::size_t left, float* into) {
  for (unsigned k = 0; k < items; ++k)
    into[k] = whole || k * threads < left ? __ldg(from + k * threads) : 0.0f;
}

// Adds all updates to one chunk of sums, of which `left` lie at or behind this
// thread's first. Each update is fetched while the one before it is added.
template <bool whole>
__device__ void add_chunk(const batch& some, sum_type* __restrict__ sums,
    std::size_t first, std::size_t left, int* most) {
  sum_type kept[items];
  float next[items];
  for (unsigned k = 0; k < items; ++k)
    kept[k] = whole || k * threads < left ? sums[first + k * threads] : 0;
  load<whole>(some.of[0].values + first, left, next);
  for (unsigned j = 0; j < some.count; ++j) {
    float values[items];
    for (unsigned k = 0; k < items; ++k)
      values[k] = next[k];
    if (j + 1 < some.count)
      load<whole>(some.of[j + 1].values + first, left, next);
    int top = 0;
    for (unsigned k = 0; k < items; ++k) {
      kept[k] += to_fixed(some.of[j].scaled_weight, values[k]);
      top = max(top, magnitude(values[k]));
    }
    top = largest_of_warp(top);
    if (threadIdx.x % warp == 0)
      atomicMax(&most[j], top);
  }
  for (unsigned k = 0; k < items; ++k)
    if (whole || k * threads < left)
      sums[first + k * threads] = kept[k];
}

__global__ void __launch_bounds__(threads) accumulate_kernel(const batch some,
    sum_type* __restrict__ sums, std::size_t size, int* __restrict__ largest) {
  __shared__ int most[batch_limit];
  for (unsigned j = threadIdx.x; j < some.count; j += threads)
    most[j] = 0;
  __syncthreads();
  for (auto begin = blockIdx.x * chunk; begin < size;
       begin += gridDim.x * chunk) {
    const auto first = begin + threadIdx.x;
    const auto left = first < size ? size - first : 0;
    if (begin + chunk <= size)
      add_chunk<true>(some, sums, first, left, most);
    else
      add_chunk<false>(some, sums, first, left, most);
  }
  __syncthreads();
  for (unsigned j = threadIdx.x; j < some.count; j += threads)
    atomicMax(&largest[j], most[j]);
}

__global__ void __launch_bounds__(threads) take_back_kernel(
    const batch some, sum_type* __restrict__ sums, std::size_t size) {
  each(size, [&](std::size_t i) {
    auto kept = sums[i];
    for (unsigned j = 0; j < some.count; ++j)
      kept -= to_fixed(some.of[j].scaled_weight, some.of[j].values[i]);
    sums[i] = kept;
  });
}

__global__ void __launch_bounds__(threads)
    add_sums_kernel(const sum_type* __restrict__ from,
        sum_type* __restrict__ to, std::size_t size) {
  map(
      size, to, [](sum_type a, sum_type b) { return a + b; }, to, from);
}

// `out` may be `base`.
__global__ void __launch_bounds__(threads)
    publish_kernel(const long long* __restrict__ sums, double denominator,
        const float* base, double rate, float* out, std::size_t size) {
  const auto moved = [=](long long sum, float from) {
    const auto mean = __ddiv_rn(static_cast<double>(sum), denominator);
    return static_cast<float>(
        __dadd_rn(static_cast<double>(from), __dmul_rn(rate, mean)));
  };
  if (base == nullptr)
    map(
        size, out, [=](long long sum) { return moved(sum, 0.0f); }, sums);
  else
    map(size, out, moved, sums, base);
}

batch packed(std::span<const weighted> some) {
  assert(some.size() <= batch_limit && "a batch fits a kernel's arguments");
  batch result{};
  for (const auto& each : some)
    result.of[result.count++] = each;
  return result;
}

sum_type* modular(std::span<std::int64_t> sums) {
  return reinterpret_cast<sum_type*>(sums.data());
}

} // namespace

std::vector<std::int32_t> accumulate(device_stream& on,
    std::span<const weighted> some, std::span<std::int64_t> sums) {
  std::vector<std::int32_t> result(some.size());
  if (some.empty() || sums.empty())
    return result;
  auto largest = block<std::int32_t>(some.size(), on);
  check(cudaMemsetAsync(
      largest.data(), 0, largest.span().size_bytes(), handle(on)));
  launch(on, accumulate_kernel,
      blocks_for(on, accumulate_kernel, threads, sums.size(), chunk), threads,
      packed(some), modular(sums), sums.size(), largest.data());
  copy(on, largest.span(), std::span{result});
  on.synchronise();
  return result;
}

void take_back(device_stream& on, std::span<const weighted> some,
    std::span<std::int64_t> sums) {
  if (!some.empty() && !sums.empty())
    launch(on, take_back_kernel,
        blocks_for(on, take_back_kernel, threads, sums.size(), threads),
        threads, packed(some), modular(sums), sums.size());
}

void add_sums(device_stream& on, std::span<const std::int64_t> from,
    std::span<std::int64_t> to) {
  if (!to.empty())
    launch(on, add_sums_kernel,
        blocks_for(on, add_sums_kernel, threads, to.size(), of_block), threads,
        reinterpret_cast<const sum_type*>(from.data()), modular(to), to.size());
}

void clear(device_stream& on, std::span<std::int64_t> sums) {
  if (!sums.empty())
    check(cudaMemsetAsync(sums.data(), 0, sums.size_bytes(), handle(on)));
}

void publish(device_stream& on, std::span<const std::int64_t> sums,
    double denominator, std::span<const float> base, double rate,
    std::span<float> out) {
  if (!out.empty())
    launch(on, publish_kernel,
        blocks_for(on, publish_kernel, threads, out.size(), of_block), threads,
        reinterpret_cast<const long long*>(sums.data()), denominator,
        base.data(), rate, out.data(), out.size());
}

} // namespace troupe::gpu::cuda
