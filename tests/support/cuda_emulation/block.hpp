#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <source_location>

#include "tests/support/cuda_emulation/vector_types.hpp"

// What device code sees of its place. Fibres share an OS thread, so whoever
// resumes one sets these.
inline constinit thread_local uint3 threadIdx{};
inline constinit thread_local uint3 blockIdx{};
inline constinit thread_local dim3 blockDim{};
inline constinit thread_local dim3 gridDim{};
inline constexpr int warpSize = 32;

namespace troupe::cuda_emulation {

/// Runs `thread` once for each CUDA thread of `grid`: blocks one after another
/// in an order that `seed` shuffles, the threads of a block as fibres of the
/// calling thread, each as far as its next barrier at a time. Ends the process
/// where some threads miss a barrier.
void run_grid(dim3 grid, dim3 block, std::uint64_t seed,
    const std::function<void()>& thread);

/// Where device code asks for a collective: all threads ask at the same place.
using place = std::source_location;

// For device code only.

/// Waits for all threads of the block; how many of them brought `vote`.
unsigned meet_in_block(bool vote, place at);
/// Waits for all lanes of the warp; what each of them brought, readable until
/// this lane meets them again.
const std::array<std::uint64_t, 32>& meet_in_warp(
    std::uint64_t mine, unsigned mask, place at);
/// The calling thread's number in its block.
unsigned thread_in_block();

} // namespace troupe::cuda_emulation
