#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/cuda_emulation/launch.hpp"

/// What of CUB is emulated: each algorithm on one thread, in the stream's
/// order, with CUB's protocol: without temporary storage a call says how much
/// it needs. Sums are in the order of the input; CUB's own are not.
namespace cub {

/// Asks for storage, or queues `step` as a kernel of one thread.
template <class Step>
cudaError_t with_storage(
    void* storage, std::size_t& bytes, cudaStream_t stream, Step step) {
  constexpr std::size_t needed = 256;
  if (storage == nullptr) {
    bytes = needed;
    return cudaSuccess;
  }
  if (bytes < needed)
    return troupe::cuda_emulation::told(cudaErrorInvalidValue);
  cudaLaunchConfig_t how{};
  how.stream = stream;
  const void* seen[] = {storage};
  return troupe::cuda_emulation::launch_kernel(how, step, seen);
}

struct DeviceReduce {
  template <class In, class Out, class Size, class Join, class T>
  static cudaError_t Reduce(void* storage, std::size_t& bytes, In in, Out out,
      Size count, Join join, T first, cudaStream_t stream = nullptr) {
    return with_storage(storage, bytes, stream,
        [=] { *out = std::accumulate(in, in + count, first, join); });
  }
  template <class In, class Out, class Size>
  static cudaError_t Sum(void* storage, std::size_t& bytes, In in, Out out,
      Size count, cudaStream_t stream = nullptr) {
    using value = typename std::iterator_traits<In>::value_type;
    return Reduce(
        storage, bytes, in, out, count,
        [](value a, value b) { return static_cast<value>(a + b); }, value{},
        stream);
  }
  template <class In, class Out, class Size>
  static cudaError_t Max(void* storage, std::size_t& bytes, In in, Out out,
      Size count, cudaStream_t stream = nullptr) {
    using value = typename std::iterator_traits<In>::value_type;
    return Reduce(
        storage, bytes, in, out, count,
        [](value a, value b) { return a < b ? b : a; },
        std::numeric_limits<value>::lowest(), stream);
  }
  template <class In, class Out, class Size>
  static cudaError_t Min(void* storage, std::size_t& bytes, In in, Out out,
      Size count, cudaStream_t stream = nullptr) {
    using value = typename std::iterator_traits<In>::value_type;
    return Reduce(
        storage, bytes, in, out, count,
        [](value a, value b) { return b < a ? b : a; },
        std::numeric_limits<value>::max(), stream);
  }
};

struct DeviceScan {
  template <class In, class Out, class Size>
  static cudaError_t InclusiveSum(void* storage, std::size_t& bytes, In in,
      Out out, Size count, cudaStream_t stream = nullptr) {
    return with_storage(
        storage, bytes, stream, [=] { std::partial_sum(in, in + count, out); });
  }
  template <class In, class Out, class Size>
  static cudaError_t ExclusiveSum(void* storage, std::size_t& bytes, In in,
      Out out, Size count, cudaStream_t stream = nullptr) {
    using value = typename std::iterator_traits<In>::value_type;
    return with_storage(storage, bytes, stream,
        [=] { std::exclusive_scan(in, in + count, out, value{}); });
  }
};

struct DeviceSelect {
  template <class In, class Flags, class Out, class Count, class Size>
  static cudaError_t Flagged(void* storage, std::size_t& bytes, In in,
      Flags flags, Out out, Count selected, Size count,
      cudaStream_t stream = nullptr) {
    return with_storage(storage, bytes, stream, [=] {
      auto end = out;
      for (Size i = 0; i < count; ++i)
        if (flags[i])
          *end++ = in[i];
      *selected = static_cast<std::iter_value_t<Count>>(end - out);
    });
  }
  template <class In, class Out, class Count, class Size, class Choice>
  static cudaError_t If(void* storage, std::size_t& bytes, In in, Out out,
      Count selected, Size count, Choice choice,
      cudaStream_t stream = nullptr) {
    return with_storage(storage, bytes, stream, [=] {
      auto end = std::copy_if(in, in + count, out, choice);
      *selected = static_cast<std::iter_value_t<Count>>(end - out);
    });
  }
};

/// Stable, by the keys' bits `begin` to `end`, as CUB does. Unsigned keys only.
struct DeviceRadixSort {
  template <class Key, class Value, class Size>
  static cudaError_t SortPairs(void* storage, std::size_t& bytes,
      const Key* keys_in, Key* keys_out, const Value* values_in,
      Value* values_out, Size count, int begin = 0,
      int end = static_cast<int>(sizeof(Key) * 8),
      cudaStream_t stream = nullptr) {
    return sort(storage, bytes, stream, keys_in, keys_out, values_in,
        values_out, count, begin, end, std::less<>{});
  }
  template <class Key, class Value, class Size>
  static cudaError_t SortPairsDescending(void* storage, std::size_t& bytes,
      const Key* keys_in, Key* keys_out, const Value* values_in,
      Value* values_out, Size count, int begin = 0,
      int end = static_cast<int>(sizeof(Key) * 8),
      cudaStream_t stream = nullptr) {
    return sort(storage, bytes, stream, keys_in, keys_out, values_in,
        values_out, count, begin, end, std::greater<>{});
  }
  template <class Key, class Size>
  static cudaError_t SortKeys(void* storage, std::size_t& bytes,
      const Key* keys_in, Key* keys_out, Size count, int begin = 0,
      int end = static_cast<int>(sizeof(Key) * 8),
      cudaStream_t stream = nullptr) {
    return sort(storage, bytes, stream, keys_in, keys_out, keys_in, keys_out,
        count, begin, end, std::less<>{});
  }

private:
  template <class Key, class Value, class Size, class Before>
  static cudaError_t sort(void* storage, std::size_t& bytes,
      cudaStream_t stream, const Key* keys_in, Key* keys_out,
      const Value* values_in, Value* values_out, Size count, int begin, int end,
      Before before) {
    static_assert(std::is_unsigned_v<Key>);
    return with_storage(storage, bytes, stream, [=] {
      auto digits = [=](Key key) {
        auto wide = std::uint64_t{key} >> begin;
        return end - begin < 64
                   ? wide & ((std::uint64_t{1} << (end - begin)) - 1)
                   : wide;
      };
      std::vector<std::pair<Key, Value>> pairs;
      for (Size i = 0; i < count; ++i)
        pairs.emplace_back(keys_in[i], values_in[i]);
      std::ranges::stable_sort(pairs, [&](const auto& a, const auto& b) {
        return before(digits(a.first), digits(b.first));
      });
      for (Size i = 0; i < count; ++i)
        std::tie(keys_out[i], values_out[i]) = pairs[i];
    });
  }
};

} // namespace cub
