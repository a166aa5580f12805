#include <algorithm>
#include <array>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"
#include "gpu/cuda/primitives.hpp"

// Radix select over the bits of |x|: 11, 10 and 10 of them. The first histogram
// is of all values; it leaves few candidates, which are selected in order, and
// the rest works on those. The host picks the bin: the candidates' number is
// the size of what it allocates.
namespace troupe::gpu::cuda {
namespace {

using namespace fixed_point;

constexpr unsigned threads = 256;
constexpr unsigned under_way = 8; // loads of a thread
constexpr std::size_t batch = std::size_t{threads} * under_way;
constexpr unsigned bins = 2048;

// What lies behind the end is in no bin.
__device__ int magnitude_at(
    const float* __restrict__ values, std::size_t i, std::size_t size) {
  return i < size ? magnitude(__ldg(values + i)) : -1;
}

// Counts digits of the magnitudes whose higher bits are `prefix`; the last bin
// counts NaN. Ours, as Thrust has no histogram, and sorting all values instead
// reads and writes them a dozen times over.
__global__ void __launch_bounds__(threads)
    histogram_kernel(const float* __restrict__ values, std::size_t size,
        int prefix, int shift, int width, unsigned* __restrict__ counts) {
  __shared__ unsigned seen[bins + 1];
  for (auto bin = threadIdx.x; bin <= bins; bin += threads)
    seen[bin] = 0;
  __syncthreads();
  for (auto begin = blockIdx.x * batch; begin < size;
       begin += gridDim.x * batch) {
    int here[under_way];
    for (unsigned k = 0; k < under_way; ++k)
      here[k] = magnitude_at(values, begin + k * threads + threadIdx.x, size);
    for (unsigned k = 0; k < under_way; ++k)
      if (here[k] > infinity_bits)
        atomicAdd(&seen[bins], 1u);
      else if (here[k] >> shift >> width == prefix)
        atomicAdd(&seen[here[k] >> shift & ((1 << width) - 1)], 1u);
  }
  __syncthreads();
  for (auto bin = threadIdx.x; bin <= bins; bin += threads)
    if (seen[bin] > 0)
      atomicAdd(&counts[bin], seen[bin]);
}

struct histogram {
  std::array<unsigned, bins + 1> counts{};
  bool has_nan() const { return counts[bins] > 0; }
};

histogram histogram_of(device_stream& on, std::span<const float> values,
    int prefix, int shift, int width) {
  auto counts = block<unsigned>(bins + 1, on);
  check(cudaMemsetAsync(
      counts.data(), 0, counts.span().size_bytes(), handle(on)));
  launch(on, histogram_kernel,
      blocks_for(on, histogram_kernel, threads, values.size(), batch), threads,
      values.data(), values.size(), prefix, shift, width, counts.data());
  histogram result;
  copy(on, counts.span(), std::span<unsigned>{result.counts});
  on.synchronise();
  return result;
}

// The bin that holds the `k`-th from above; `k` becomes its rank in there.
int pick(const histogram& of, std::size_t& k) {
  auto bin = static_cast<int>(bins) - 1;
  for (; of.counts[static_cast<unsigned>(bin)] < k; --bin)
    k -= of.counts[static_cast<unsigned>(bin)];
  return bin;
}

} // namespace

bool top_k(device_stream& on, std::span<const float> values,
    std::span<std::uint32_t> indices, std::span<float> kept) {
  const auto all = histogram_of(on, values, 0, 20, 11);
  if (all.has_nan())
    return false;
  auto rank = indices.size(); // among those that share the border's digits
  auto border = pick(all, rank);
  const auto candidates =
      indices.size() - rank + all.counts[static_cast<unsigned>(border)];
  auto names = block<std::uint32_t>(candidates, on);
  auto chosen = block<float>(candidates, on);
  primitives::select(
      on, values, (border << 20) - 1, names.span(), chosen.span());
  border = border << 10 |
           pick(histogram_of(on, chosen.span(), border, 10, 10), rank);
  border =
      border << 10 | pick(histogram_of(on, chosen.span(), border, 0, 10), rank);
  primitives::select_first(on, names.span(), chosen.span(), border,
      static_cast<std::uint32_t>(rank), indices, kept);
  return true;
}

} // namespace troupe::gpu::cuda
