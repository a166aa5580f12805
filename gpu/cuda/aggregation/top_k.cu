#include <algorithm>
#include <array>

#include "gpu/copy.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/array.hpp"
#include "gpu/cuda/launch.hpp"
#include "gpu/fixed_point.hpp"

// Radix select over the bits of |x|: 11, 10 and 10 of them. The first histogram
// is of all values; it leaves few candidates, which are packed in order, and
// the rest works on those. The host picks the bin: the candidates' number is
// the size of what it allocates.
namespace troupe::gpu::cuda {
namespace {

using namespace fixed_point;

constexpr unsigned threads = 256;
constexpr unsigned warps = threads / 32;
constexpr unsigned rounds = 16;
constexpr std::size_t tile = std::size_t{threads} * rounds;
constexpr unsigned at_once = 8; // loads that a thread has under way
constexpr std::size_t batch = std::size_t{threads} * at_once;
constexpr unsigned bins = 2048;
constexpr unsigned scan_threads = 1024;

__device__ int magnitude(float x) {
  return __float_as_int(x) & magnitude_mask;
}

// What lies behind the end is below every border: those start at -1.
__device__ int magnitude_at(
    const float* __restrict__ values, std::size_t i, std::size_t size) {
  return i < size ? magnitude(__ldg(values + i)) : -2;
}

// Counts digits of the magnitudes whose higher bits are `prefix`; the last bin
// counts NaN.
__global__ void __launch_bounds__(threads)
    histogram_kernel(const float* __restrict__ values, std::size_t size,
        int prefix, int shift, int width, unsigned* __restrict__ counts) {
  __shared__ unsigned seen[bins + 1];
  for (auto bin = threadIdx.x; bin <= bins; bin += threads)
    seen[bin] = 0;
  __syncthreads();
  for (auto begin = blockIdx.x * batch; begin < size;
       begin += gridDim.x * batch) {
    int here[at_once];
    for (unsigned k = 0; k < at_once; ++k)
      here[k] = magnitude_at(values, begin + k * threads + threadIdx.x, size);
    for (unsigned k = 0; k < at_once; ++k)
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

// Two counts in one word, which are added up together: what lies above the
// border, and what lies on it.
template <class Word>
struct both {
  static constexpr int half = 4 * sizeof(Word);
  static __device__ Word of(int here, int border) {
    return here > border ? Word{1} : here == border ? Word{1} << half : Word{0};
  }
  static __device__ unsigned above(Word x) {
    return static_cast<unsigned>(x & ((Word{1} << half) - 1));
  }
  static __device__ unsigned on_it(Word x) {
    return static_cast<unsigned>(x >> half);
  }
};
using in_tile = both<unsigned>;
using in_all = both<unsigned long long>;

__global__ void __launch_bounds__(threads)
    count_kernel(const float* __restrict__ values, std::size_t size, int border,
        unsigned long long* __restrict__ counts) {
  __shared__ unsigned of_warp[warps];
  const auto first = blockIdx.x * tile + threadIdx.x;
  unsigned count = 0;
  for (unsigned r = 0; r < rounds; ++r)
    count +=
        in_tile::of(magnitude_at(values, first + r * threads, size), border);
  for (int lanes = 16; lanes > 0; lanes /= 2)
    count += __shfl_xor_sync(0xffffffff, count, lanes);
  if (threadIdx.x % 32 == 0)
    of_warp[threadIdx.x / 32] = count;
  __syncthreads();
  if (threadIdx.x > 0)
    return;
  for (unsigned w = 1; w < warps; ++w)
    count += of_warp[w];
  counts[blockIdx.x] =
      in_tile::above(count) +
      (static_cast<unsigned long long>(in_tile::on_it(count)) << in_all::half);
}

// What comes before each tile, in place; one block, a run of tiles a thread.
__global__ void __launch_bounds__(scan_threads)
    scan_kernel(unsigned long long* __restrict__ counts, std::size_t size) {
  __shared__ unsigned long long sums[scan_threads];
  const auto run = (size + scan_threads - 1) / scan_threads;
  const auto begin = min(size, threadIdx.x * run);
  const auto end = min(size, begin + run);
  unsigned long long sum = 0;
  for (auto i = begin; i < end; ++i)
    sum += counts[i];
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (unsigned gap = 1; gap < scan_threads; gap *= 2) {
    const auto before = threadIdx.x >= gap ? sums[threadIdx.x - gap] : 0ull;
    __syncthreads();
    sums[threadIdx.x] += before;
    __syncthreads();
  }
  auto before = sums[threadIdx.x] - sum;
  for (auto i = begin; i < end; ++i) {
    const auto here = counts[i];
    counts[i] = before;
    before += here;
  }
}

// Where the first warp's lanes turn 128 counts into what comes before each.
__device__ void scan_tile(unsigned* counts) {
  constexpr unsigned run = rounds * warps / 32;
  unsigned sum = 0;
  for (unsigned k = 0; k < run; ++k)
    sum += counts[threadIdx.x * run + k];
  auto up_to_here = sum;
  for (unsigned gap = 1; gap < 32; gap *= 2) {
    const auto lane = static_cast<int>((threadIdx.x + 32 - gap) % 32);
    const auto before = __shfl_sync(0xffffffff, up_to_here, lane);
    up_to_here += threadIdx.x >= gap ? before : 0;
  }
  auto before = up_to_here - sum;
  for (unsigned k = 0; k < run; ++k) {
    const auto here = counts[threadIdx.x * run + k];
    counts[threadIdx.x * run + k] = before;
    before += here;
  }
}

// Packs, in order, what is above the border and the first `equals` on it.
// `names` are the values' indices, if not their places. A thread's items lie
// `threads` apart, so the order is by round, warp and lane.
__global__ void __launch_bounds__(threads)
    pack_kernel(const float* __restrict__ values,
        const unsigned* __restrict__ names, std::size_t size, int border,
        unsigned equals, const unsigned long long* __restrict__ before_tile,
        unsigned* __restrict__ indices, float* __restrict__ kept) {
  __shared__ unsigned counts[rounds * warps];
  const auto lane = threadIdx.x % 32;
  const auto warp = threadIdx.x / 32;
  const auto first = blockIdx.x * tile + threadIdx.x;
  int here[rounds];
  for (unsigned r = 0; r < rounds; ++r) {
    here[r] = magnitude_at(values, first + r * threads, size);
    const auto above = __ballot_sync(0xffffffff, here[r] > border);
    const auto on_it = __ballot_sync(0xffffffff, here[r] == border);
    if (lane == 0)
      counts[r * warps + warp] = static_cast<unsigned>(__popc(above)) +
                                 (static_cast<unsigned>(__popc(on_it)) << 16);
  }
  __syncthreads();
  if (warp == 0)
    scan_tile(counts);
  __syncthreads();
  const auto lower = (1u << lane) - 1;
  const auto start = before_tile[blockIdx.x];
  for (unsigned r = 0; r < rounds; ++r) {
    const auto above = __ballot_sync(0xffffffff, here[r] > border);
    const auto on_it = __ballot_sync(0xffffffff, here[r] == border);
    const auto so_far = counts[r * warps + warp];
    const auto rank = in_all::above(start) + in_tile::above(so_far) +
                      static_cast<unsigned>(__popc(above & lower));
    const auto tie = in_all::on_it(start) + in_tile::on_it(so_far) +
                     static_cast<unsigned>(__popc(on_it & lower));
    if (here[r] < border || (here[r] == border && tie >= equals))
      continue;
    const auto from = first + r * threads;
    const auto to = rank + min(tie, equals);
    indices[to] = names == nullptr ? static_cast<unsigned>(from) : names[from];
    kept[to] = values[from];
  }
}

struct histogram {
  std::array<unsigned, bins + 1> counts{};
  bool has_nan() const { return counts[bins] > 0; }
};

histogram histogram_of(device_stream& on, std::span<const float> values,
    int prefix, int shift, int width) {
  auto counts = array<unsigned>(bins + 1, on);
  check(cudaMemsetAsync(
      counts.data(), 0, counts.span().size_bytes(), handle(on)));
  launch(on, histogram_kernel, blocks_for(values.size(), batch), threads,
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

void pack(device_stream& on, std::span<const float> values,
    const unsigned* names, int border, std::size_t equals,
    std::span<unsigned> indices, std::span<float> kept) {
  const auto tiles = (values.size() + tile - 1) / tile;
  const auto blocks = static_cast<unsigned>(tiles);
  auto counts = array<unsigned long long>(tiles, on);
  launch(on, count_kernel, blocks, threads, values.data(), values.size(),
      border, counts.data());
  launch(on, scan_kernel, 1, scan_threads, counts.data(), tiles);
  launch(on, pack_kernel, blocks, threads, values.data(), names, values.size(),
      border, static_cast<unsigned>(equals), counts.data(), indices.data(),
      kept.data());
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
  auto names = array<unsigned>(candidates, on);
  auto chosen = array<float>(candidates, on);
  pack(on, values, nullptr, (border << 20) - 1, 0, names.span(), chosen.span());
  border = border << 10 |
           pick(histogram_of(on, chosen.span(), border, 10, 10), rank);
  border =
      border << 10 | pick(histogram_of(on, chosen.span(), border, 0, 10), rank);
  pack(on, chosen.span(), names.data(), border, rank, indices, kept);
  on.synchronise();
  return true;
}

} // namespace troupe::gpu::cuda
