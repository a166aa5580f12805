#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

namespace troupe::gpu::cuda {
namespace {

using namespace fixed_point;

constexpr unsigned threads = 256;
constexpr std::size_t warps = threads / warp;
constexpr int nan_bits = 0x7fc00000;

// `random_blocks` as device code can read it.
struct origin {
  unsigned key[2];
  unsigned upper[2];
};

struct four {
  unsigned words[4];
};

// As `random_blocks` on the host: Philox4x32-10.
__device__ four drawn(const origin& random, unsigned long long number) {
  unsigned c0 = static_cast<unsigned>(number);
  unsigned c1 = static_cast<unsigned>(number >> 32);
  unsigned c2 = random.upper[0];
  unsigned c3 = random.upper[1];
  unsigned k0 = random.key[0];
  unsigned k1 = random.key[1];
  for (int round = 0; round < 10; ++round) {
    const auto low0 = 0xD2511F53u * c0;
    const auto low2 = 0xCD9E8D57u * c2;
    const auto high0 = __umulhi(0xD2511F53u, c0);
    const auto high2 = __umulhi(0xCD9E8D57u, c2);
    c0 = high2 ^ c1 ^ k0;
    c2 = high0 ^ c3 ^ k1;
    c1 = low2;
    c3 = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

__device__ float finite_or_nan(float norm) {
  return magnitude(norm) < infinity_bits ? norm : __int_as_float(nan_bits);
}

__device__ float largest_of(
    const float* __restrict__ values, std::size_t size, unsigned lane) {
  int most = 0;
  for (std::size_t i = lane; i < size; i += warp)
    most = max(most, magnitude(values[i]));
  return __int_as_float(largest_of_warp(most));
}

__device__ float euclidean_norm_of(
    const float* __restrict__ values, std::size_t size, unsigned lane) {
  double sum = 0.0;
  for (std::size_t i = lane; i < size; i += warp) {
    const auto value = static_cast<double>(values[i]);
    sum = __dadd_rn(sum, __dmul_rn(value, value));
  }
  return static_cast<float>(__dsqrt_rn(sum_of_warp(sum)));
}

__device__ signed char level_of(
    float value, double scale, unsigned levels, unsigned word) {
  const auto exact =
      __dmul_rn(static_cast<double>(__int_as_float(magnitude(value))), scale);
  const auto below = static_cast<unsigned>(exact);
  const auto fraction = __dsub_rn(exact, static_cast<double>(below));
  const auto up = __dmul_rn(static_cast<double>(word), 0x1p-32) < fraction;
  const auto level = static_cast<int>(min(below + (up ? 1u : 0u), levels));
  return static_cast<signed char>(__float_as_int(value) < 0 ? -level : level);
}

// One warp a bucket; a lane takes the four values that share a random block.
__global__ void __launch_bounds__(threads)
    quantise_kernel(const quantiser how, const origin random,
        const float* __restrict__ values, std::size_t size, std::size_t buckets,
        signed char* __restrict__ quantised, float* __restrict__ norms) {
  const auto lane = threadIdx.x % warp;
  const auto blocks = (how.bucket + 3) / 4;
  for (auto b = blockIdx.x * warps + threadIdx.x / warp; b < buckets;
       b += gridDim.x * warps) {
    const auto first = b * how.bucket;
    const auto* from = values + first;
    const auto count = min(how.bucket, size - first);
    const auto norm = finite_or_nan(how.norm == quantiser::norm_kind::largest
                                        ? largest_of(from, count, lane)
                                        : euclidean_norm_of(from, count, lane));
    if (lane == 0)
      norms[b] = norm;
    const auto scale =
        norm > 0.0f ? __ddiv_rn(how.levels, static_cast<double>(norm)) : 0.0;
    for (std::size_t i = 4 * lane; i < count; i += 4 * warp) {
      const auto words = drawn(random, b * blocks + i / 4);
      for (unsigned k = 0; k < 4; ++k)
        if (i + k < count)
          quantised[first + i + k] =
              scale > 0.0
                  ? level_of(from[i + k], scale, how.levels, words.words[k])
                  : 0;
    }
  }
}

__global__ void __launch_bounds__(threads) dequantise_kernel(
    const quantiser how, const signed char* __restrict__ quantised,
    const float* __restrict__ norms, float* __restrict__ out,
    std::size_t size) {
  each_place(
      size, how.bucket, [=](std::size_t i, std::size_t bucket, std::size_t) {
        const auto product = __dmul_rn(static_cast<double>(norms[bucket]),
            static_cast<double>(quantised[i]));
        out[i] = static_cast<float>(
            __ddiv_rn(product, static_cast<double>(how.levels)));
      });
}

} // namespace

void stochastic_quantise(device_stream& on, const quantiser& how,
    const random_blocks& random, std::span<const float> values,
    std::span<std::int8_t> quantised, std::span<float> norms) {
  if (!values.empty())
    launch(on, quantise_kernel,
        blocks_for(on, quantise_kernel, threads, norms.size(), warps), threads,
        how,
        origin{
            {random.key[0], random.key[1]}, {random.upper[0], random.upper[1]}},
        values.data(), values.size(), norms.size(), quantised.data(),
        norms.data());
}

void dequantise(device_stream& on, const quantiser& how,
    std::span<const std::int8_t> quantised, std::span<const float> norms,
    std::span<float> out) {
  if (!out.empty())
    launch(on, dequantise_kernel,
        blocks_for(on, dequantise_kernel, threads, out.size(), threads),
        threads, how, quantised.data(), norms.data(), out.data(), out.size());
}

} // namespace troupe::gpu::cuda
