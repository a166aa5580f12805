#pragma once

#include <cstddef>
#include <optional>

#include "tests/support/cuda_emulation/machine.hpp"

namespace troupe::cuda_emulation {

/// One allocation that CUDA knows of.
struct block {
  std::byte* begin;
  std::size_t size;
  cudaMemoryType type;
  int device;
  CUmemPoolHandle_st* pool; // null for cudaMalloc's
};

/// The allocation that `where` points into, or to the end of. Every one is a
/// block of the host's heap, so that the address sanitizer watches its borders.
std::optional<block> owner_of(const void* where);

/// Whether copies and kernels of a device may touch it.
bool reaches(int device, const block& what);

/// Fresh memory, filled with 0xff (NaN). Counts against its device, or
/// what the host may lock.
cudaError_t allocate(void** begin, std::size_t size, cudaMemoryType type,
    int device, CUmemPoolHandle_st* pool);
/// Takes a block out of the books, by its begin, so that no later call knows
/// it; the memory lasts until `release`.
std::optional<block> forget(void* begin, cudaMemoryType type);
/// Fills it with 0xff again and gives it back.
void release(const block& what);

} // namespace troupe::cuda_emulation
