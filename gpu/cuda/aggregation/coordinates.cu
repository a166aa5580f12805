#include "gpu/aggregation/value_order.hpp"
#include "gpu/cuda/aggregation/addresses.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

namespace troupe::gpu::cuda {
namespace {

using namespace value_order;

constexpr unsigned threads = 256;
constexpr unsigned narrow = 128; // updates whose values fit registers
constexpr unsigned wide = updates_limit;
constexpr unsigned strip = 32; // coordinates that a block sorts at a time
constexpr unsigned below_all = 0;

// As value_order::key and ::bits, which device code cannot call.
__device__ unsigned key_of(float value) {
  const auto raw = __float_as_uint(value);
  if ((raw & ~sign) > value_order::infinity)
    return nan_key;
  return raw & sign ? ~raw : raw | sign;
}

__device__ double value_of(unsigned key) {
  return static_cast<double>(__uint_as_float(key & sign ? key & ~sign : ~key));
}

__device__ float mean_of(double sum, unsigned count) {
  const auto mean =
      static_cast<float>(__ddiv_rn(sum, static_cast<double>(count)));
  return mean == mean ? mean : __uint_as_float(nan_bits);
}

__device__ __forceinline__ void put_in_order(unsigned& low, unsigned& high) {
  const auto less = min(low, high);
  high = max(low, high);
  low = less;
}

// Batcher's odd-even merge sort (1968). Every index is known to the compiler,
// so that the keys are registers. Ours, as Thrust sorts one long sequence, by
// way of memory: here millions of short ones never touch it.
template <int count, int gap>
__device__ __forceinline__ void merge(unsigned* keys) {
  if constexpr (2 * gap < count) {
    merge<count, 2 * gap>(keys);
    merge<count, 2 * gap>(keys + gap);
#pragma unroll
    for (int i = gap; i + gap < count; i += 2 * gap)
      put_in_order(keys[i], keys[i + gap]);
  } else {
    put_in_order(keys[0], keys[gap]);
  }
}

template <int count>
__device__ __forceinline__ void sort(unsigned* keys) {
  if constexpr (count > 1) {
    sort<count / 2>(keys);
    sort<count / 2>(keys + count / 2);
    merge<count, 1>(keys);
  }
}

// Padding on both sides puts the middle into the middle; there, of two sorted
// halves no full merge is needed.
template <int half>
__global__ void __launch_bounds__(threads) median_kernel(
    const addresses from, float* __restrict__ out, std::size_t size) {
  const int count = static_cast<int>(from.count);
  const int first = (2 * half - count) / 2;
  each<1>(size, [&](std::size_t i) {
    unsigned keys[2 * half];
#pragma unroll
    for (int j = 0; j < 2 * half; ++j)
      keys[j] = j < first            ? below_all
                : j >= first + count ? nan_key
                                     : key_of(__ldg(from.of[j - first] + i));
    sort<half>(keys);
    sort<half>(keys + half);
    auto lower = below_all;
    auto upper = nan_key;
#pragma unroll
    for (int j = 0; j < half; ++j) {
      lower = max(lower, min(keys[j], keys[2 * half - 1 - j]));
      upper = min(upper, max(keys[j], keys[2 * half - 1 - j]));
    }
    out[i] = count % 2 == 1
                 ? mean_of(value_of(lower), 1)
                 : mean_of(__dadd_rn(value_of(lower), value_of(upper)), 2);
  });
}

template <int most>
__global__ void __launch_bounds__(threads) trim_kernel(
    const addresses from, int cut, float* __restrict__ out, std::size_t size) {
  const int count = static_cast<int>(from.count);
  each<1>(size, [&](std::size_t i) {
    unsigned keys[most];
#pragma unroll
    for (int j = 0; j < most; ++j)
      keys[j] = j < count ? key_of(__ldg(from.of[j] + i)) : nan_key;
    sort<most>(keys);
    double sum = -0.0; // so that -0 stays what it is
#pragma unroll
    for (int j = 0; j < most; ++j)
      if (j >= cut && j < count - cut)
        sum = __dadd_rn(sum, value_of(keys[j]));
    out[i] = mean_of(sum, static_cast<unsigned>(count - 2 * cut));
  });
}

// Too many for registers: a block sorts a strip in shared memory, bitonically.
__global__ void __launch_bounds__(threads) wide_kernel(const addresses from,
    unsigned cut, float* __restrict__ out, std::size_t size) {
  __shared__ unsigned keys[wide][strip];
  constexpr unsigned rows = threads / strip;
  const auto lane = threadIdx.x % strip;
  const auto row = threadIdx.x / strip;
  for (auto first = std::size_t{blockIdx.x} * strip; first < size;
       first += std::size_t{gridDim.x} * strip) {
    const auto i = first + lane;
    for (auto j = row; j < wide; j += rows)
      keys[j][lane] =
          j < from.count && i < size ? key_of(from.of[j][i]) : nan_key;
    __syncthreads();
    for (unsigned run = 2; run <= wide; run *= 2)
      for (auto gap = run / 2; gap > 0; gap /= 2) {
        for (auto pair = row; pair < wide / 2; pair += rows) {
          const auto low = pair / gap * 2 * gap + pair % gap;
          if ((low & run) == 0)
            put_in_order(keys[low][lane], keys[low + gap][lane]);
          else
            put_in_order(keys[low + gap][lane], keys[low][lane]);
        }
        __syncthreads();
      }
    if (row == 0 && i < size) {
      double sum = -0.0; // so that -0 stays what it is
      for (auto j = cut; j < from.count - cut; ++j)
        sum = __dadd_rn(sum, value_of(keys[j][lane]));
      out[i] = mean_of(sum, from.count - 2 * cut);
    }
    __syncthreads();
  }
}

void trim_wide(
    device_stream& on, updates of, std::size_t cut, std::span<float> out) {
  launch(on, wide_kernel,
      blocks_for(on, wide_kernel, threads, out.size(), strip), threads,
      addresses_of(of), static_cast<unsigned>(cut), out.data(), out.size());
}

// The least power of two that holds all.
template <unsigned most = 2>
void median(device_stream& on, updates of, std::span<float> out) {
  if (of.size() <= most)
    launch(on, median_kernel<most / 2>,
        blocks_for(on, median_kernel<most / 2>, threads, out.size(), threads),
        threads, addresses_of(of), out.data(), out.size());
  else if constexpr (most < narrow)
    median<2 * most>(on, of, out);
  else
    trim_wide(on, of, (of.size() - 1) / 2, out);
}

template <unsigned most = 2>
void trim(
    device_stream& on, updates of, std::size_t cut, std::span<float> out) {
  if (of.size() <= most)
    launch(on, trim_kernel<most>,
        blocks_for(on, trim_kernel<most>, threads, out.size(), threads),
        threads, addresses_of(of), static_cast<int>(cut), out.data(),
        out.size());
  else if constexpr (most < narrow)
    trim<2 * most>(on, of, cut, out);
  else
    trim_wide(on, of, cut, out);
}

} // namespace

void coordinate_median(device_stream& on, updates of, std::span<float> out) {
  if (!out.empty())
    median(on, of, out);
}

void trimmed_mean(
    device_stream& on, updates of, std::size_t cut, std::span<float> out) {
  if (!out.empty())
    trim(on, of, cut, out);
}

} // namespace troupe::gpu::cuda
