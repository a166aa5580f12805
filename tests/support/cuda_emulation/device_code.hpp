#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <source_location>
#include <type_traits>

#include "tests/support/cuda_emulation/block.hpp"

// CUDA's words for device code, as g++ understands them. `__shared__` relies
// on a block's threads being fibres of one OS thread.
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static thread_local

// Collectives of a block. A place as default argument tells threads that wait
// at different ones.

inline void __syncthreads(
    std::source_location at = std::source_location::current()) {
  troupe::cuda_emulation::meet_in_block(false, at);
}

inline int __syncthreads_count(
    int vote, std::source_location at = std::source_location::current()) {
  return static_cast<int>(troupe::cuda_emulation::meet_in_block(vote != 0, at));
}

inline int __syncthreads_or(
    int vote, std::source_location at = std::source_location::current()) {
  return __syncthreads_count(vote, at) != 0;
}

inline int __syncthreads_and(
    int vote, std::source_location at = std::source_location::current()) {
  return __syncthreads_count(vote == 0, at) == 0;
}

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

// Collectives of a warp.

namespace troupe::cuda_emulation {

/// What lane `lane` brought where that is in the caller's group of `width`,
/// else what the caller did.
template <class T>
T shuffle(unsigned mask, T mine, int from, bool inside, place at) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &mine, sizeof(T));
  const auto& all = meet_in_warp(bits, mask, at);
  if (inside)
    std::memcpy(&mine, &all[static_cast<unsigned>(from) % 32], sizeof(T));
  return mine;
}

inline int lane() {
  return static_cast<int>(thread_in_block() % 32);
}

} // namespace troupe::cuda_emulation

template <class T>
T __shfl_sync(unsigned mask, T mine, int from, int width = warpSize,
    std::source_location at = std::source_location::current()) {
  using namespace troupe::cuda_emulation;
  auto first = lane() / width * width;
  return shuffle(mask, mine, first + (from & (width - 1)), true, at);
}

template <class T>
T __shfl_up_sync(unsigned mask, T mine, unsigned delta, int width = warpSize,
    std::source_location at = std::source_location::current()) {
  using namespace troupe::cuda_emulation;
  auto from = lane() - static_cast<int>(delta);
  return shuffle(mask, mine, from, from >= lane() / width * width, at);
}

template <class T>
T __shfl_down_sync(unsigned mask, T mine, unsigned delta, int width = warpSize,
    std::source_location at = std::source_location::current()) {
  using namespace troupe::cuda_emulation;
  auto from = lane() + static_cast<int>(delta);
  return shuffle(mask, mine, from, from < (lane() / width + 1) * width, at);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T mine, int lanes, int width = warpSize,
    std::source_location at = std::source_location::current()) {
  using namespace troupe::cuda_emulation;
  auto from = lane() ^ lanes;
  return shuffle(mask, mine, from, from < (lane() / width + 1) * width, at);
}

// Of whoever takes part, as words.
#define TROUPE_REDUCE(name, type, start, becomes)                              \
  inline type name(unsigned mask, type mine,                                   \
      std::source_location at = std::source_location::current()) {             \
    const auto& all = troupe::cuda_emulation::meet_in_warp(                    \
        static_cast<unsigned>(mine), mask, at);                                \
    type result = start;                                                       \
    for (unsigned i = 0; i < 32; ++i)                                          \
      if (mask >> i & 1) {                                                     \
        const auto value = static_cast<type>(static_cast<unsigned>(all[i]));   \
        result = becomes;                                                      \
      }                                                                        \
    return result;                                                             \
  }
TROUPE_REDUCE(__reduce_add_sync, unsigned, 0, result + value)
TROUPE_REDUCE(__reduce_max_sync, unsigned, 0, result > value ? result : value)
TROUPE_REDUCE(__reduce_max_sync, int, std::numeric_limits<int>::min(),
    result > value ? result : value)
#undef TROUPE_REDUCE

inline unsigned __ballot_sync(unsigned mask, int vote,
    std::source_location at = std::source_location::current()) {
  const auto& all =
      troupe::cuda_emulation::meet_in_warp(vote != 0 ? 1 : 0, mask, at);
  unsigned result = 0;
  for (unsigned i = 0; i < 32; ++i)
    result |= static_cast<unsigned>(all[i]) << i;
  return result;
}

inline int __any_sync(unsigned mask, int vote,
    std::source_location at = std::source_location::current()) {
  return __ballot_sync(mask, vote, at) != 0;
}

inline int __all_sync(unsigned mask, int vote,
    std::source_location at = std::source_location::current()) {
  return __ballot_sync(mask, vote, at) == ~0u;
}

inline void __syncwarp(unsigned mask = ~0u,
    std::source_location at = std::source_location::current()) {
  troupe::cuda_emulation::meet_in_warp(0, mask, at);
}
