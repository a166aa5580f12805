#include "gpu/cuda/aggregation/accumulate.hpp"

#include <cassert>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/aggregation/linear_checksum.hpp"
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
static_assert(chunk == linear_checksum::block, "a chunk has one multiplier");
constexpr std::size_t of_block = std::size_t{threads} * at_once;

struct batch {
  weighted of[batch_limit];
  unsigned count;
};

// What has to be added, but for `magic_bits`, which wait until the end.
__device__ sum_type rounded(double scaled_weight, float value) {
  const auto product = __dmul_rn(scaled_weight, static_cast<double>(value));
  return static_cast<sum_type>(__double_as_longlong(__dadd_rn(product, magic)));
}

__device__ sum_type to_fixed(double scaled_weight, float value) {
  return rounded(scaled_weight, value) - static_cast<sum_type>(magic_bits);
}

// As the host has it in linear_checksum.hpp.
__device__ sum_type mixed(sum_type x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
struct multipliers {
  sum_type first;
  sum_type step;
};
__device__ multipliers multipliers_of(sum_type number) {
  return {mixed(2 * number + 1) | 1, (mixed(2 * number + 2) | 1) << 1};
}

// One chunk of the whole, of which the places in [from, to) are here; `first`
// is the index of this thread's first item, which may be none of them.
struct portion {
  std::size_t from;
  std::size_t to;
  std::ptrdiff_t first;
  multipliers by;
};

// Those that a range has a part of, whose first value is at `place`.
__host__ __device__ std::size_t chunks_of(std::size_t size, std::size_t place) {
  return (place % chunk + size + chunk - 1) / chunk;
}
__device__ portion portion_of(
    std::size_t i, std::size_t size, std::size_t place) {
  const auto number = place / chunk + i;
  const auto begin = number * chunk;
  const auto left = place + size - begin;
  return {begin < place ? place - begin : 0, left < chunk ? left : chunk,
      static_cast<std::ptrdiff_t>(begin + threadIdx.x) -
          static_cast<std::ptrdiff_t>(place),
      multipliers_of(number)};
}

// A thread's items lie `threads` apart, so that a warp reads whole lines.
template <bool whole>
__device__ bool has(const portion& what, unsigned k) {
  const auto i = threadIdx.x + k * threads;
  return whole || (i >= what.from && i < what.to);
}
template <bool whole>
__device__ void load(
    const float* __restrict__ from, const portion& what, float* into) {
  for (unsigned k = 0; k < items; ++k)
    into[k] =
        has<whole>(what, k) ? __ldg(from + (what.first + k * threads)) : 0.0f;
}

// The sum of items, and that of all sums of the first ones.
struct running_sums {
  sum_type once = 0;
  sum_type twice = 0;

  __device__ void add(sum_type item) {
    once += item;
    twice += once;
  }
  // Of a thread's items, `each_less` less each: those that are not here too,
  // which have no value.
  __device__ sum_type checksum(multipliers by, sum_type each_less) const {
    constexpr sum_type all = items;
    const auto a = once - all * each_less;
    const auto b = twice - all * (all + 1) / 2 * each_less;
    return (by.first + by.step * threadIdx.x) * a +
           by.step * threads * (all * a - b);
  }
};

// The sum of all lanes, in each of them, as three sums of words.
__device__ sum_type whole_sum_of_warp(sum_type x) {
  constexpr sum_type part = (sum_type{1} << 27) - 1;
  const auto sum = [](sum_type y) {
    return sum_type{__reduce_add_sync(whole_warp, static_cast<unsigned>(y))};
  };
  return sum(x & part) + (sum(x >> 27 & part) << 27) + (sum(x >> 54) << 54);
}

// Adds all updates to one chunk of sums. Each update is fetched while the one
// before it is added.
template <bool whole>
__device__ void add_chunk(const batch& some, sum_type* __restrict__ sums,
    const portion& what, int* most, sum_type* checksums) {
  sum_type kept[items];
  float next[items];
  for (unsigned k = 0; k < items; ++k)
    kept[k] = has<whole>(what, k) ? sums[what.first + k * threads] : 0;
  load<whole>(some.of[0].values, what, next);
  for (unsigned j = 0; j < some.count; ++j) {
    float values[items];
    for (unsigned k = 0; k < items; ++k)
      values[k] = next[k];
    if (j + 1 < some.count)
      load<whole>(some.of[j + 1].values, what, next);
    int top = 0;
    running_sums added;
    for (unsigned k = 0; k < items; ++k) {
      const auto item = rounded(some.of[j].scaled_weight, values[k]);
      kept[k] += item;
      added.add(item);
      top = max(top, magnitude(values[k]));
    }
    top = __reduce_max_sync(whole_warp, top);
    const auto checksum = whole_sum_of_warp(
        added.checksum(what.by, static_cast<sum_type>(magic_bits)));
    if (threadIdx.x % warp == 0) {
      atomicMax(&most[j], top);
      atomicAdd(&checksums[j], checksum);
    }
  }
  const auto less = some.count * static_cast<sum_type>(magic_bits);
  for (unsigned k = 0; k < items; ++k)
    if (has<whole>(what, k))
      sums[what.first + k * threads] = kept[k] - less;
}

// Chunks are those of the whole, in which the first sum is at `place`.
__global__ void __launch_bounds__(threads) accumulate_kernel(const batch some,
    sum_type* __restrict__ sums, std::size_t size, std::size_t place,
    int* __restrict__ largest, sum_type* __restrict__ checksums) {
  __shared__ int most[batch_limit];
  __shared__ sum_type added[batch_limit];
  for (unsigned j = threadIdx.x; j < some.count; j += threads) {
    most[j] = 0;
    added[j] = 0;
  }
  __syncthreads();
  const auto chunks = chunks_of(size, place);
  for (auto i = std::size_t{blockIdx.x}; i < chunks; i += gridDim.x) {
    const auto what = portion_of(i, size, place);
    if (what.from == 0 && what.to == chunk)
      add_chunk<true>(some, sums, what, most, added);
    else
      add_chunk<false>(some, sums, what, most, added);
  }
  __syncthreads();
  for (unsigned j = threadIdx.x; j < some.count; j += threads) {
    atomicMax(&largest[j], most[j]);
    atomicAdd(&checksums[j], added[j]);
  }
}

// Only a version's sums are looked at so, once.
__global__ void __launch_bounds__(threads)
    checksum_kernel(const sum_type* __restrict__ sums, std::size_t size,
        std::size_t place, sum_type* __restrict__ out) {
  sum_type result = 0;
  const auto chunks = chunks_of(size, place);
  for (auto i = std::size_t{blockIdx.x}; i < chunks; i += gridDim.x) {
    const auto what = portion_of(i, size, place);
    running_sums all;
    for (unsigned k = 0; k < items; ++k)
      all.add(has<false>(what, k) ? sums[what.first + k * threads] : 0);
    result += all.checksum(what.by, 0);
  }
  result = sum_of_warp(result);
  if (threadIdx.x % warp == 0)
    atomicAdd(out, result);
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

std::vector<accumulated> accumulate(device_stream& on,
    std::span<const weighted> some, std::span<std::int64_t> sums,
    std::uint64_t place) {
  std::vector<accumulated> result(some.size());
  if (some.empty() || sums.empty())
    return result;
  auto largest = block<std::int32_t>(some.size(), on);
  auto checksums = block<sum_type>(some.size(), on);
  for (auto bytes : {std::as_writable_bytes(largest.span()),
           std::as_writable_bytes(checksums.span())})
    check(cudaMemsetAsync(bytes.data(), 0, bytes.size(), handle(on)));
  launch(on, accumulate_kernel,
      blocks_for(on, accumulate_kernel, threads,
          chunks_of(sums.size(), place) * chunk, chunk),
      threads, packed(some), modular(sums), sums.size(), std::size_t{place},
      largest.data(), checksums.data());
  std::vector<std::int32_t> tops(some.size());
  std::vector<sum_type> added(some.size());
  copy(on, largest.span(), std::span{tops});
  copy(on, checksums.span(), std::span{added});
  on.synchronise();
  for (std::size_t i = 0; i < some.size(); ++i)
    result[i] = {tops[i], added[i]};
  return result;
}

std::uint64_t checksum(device_stream& on, std::span<const std::int64_t> sums,
    std::uint64_t place) {
  sum_type result = 0;
  if (sums.empty())
    return result;
  auto out = block<sum_type>(1, on);
  check(cudaMemsetAsync(out.data(), 0, out.span().size_bytes(), handle(on)));
  launch(on, checksum_kernel,
      blocks_for(on, checksum_kernel, threads,
          chunks_of(sums.size(), place) * chunk, chunk),
      threads, reinterpret_cast<const sum_type*>(sums.data()), sums.size(),
      std::size_t{place}, out.data());
  copy(on, out.span(), std::span{&result, 1});
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
