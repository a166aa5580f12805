#include "tests/support/cuda_emulation/memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>

namespace troupe::cuda_emulation {
namespace {

constexpr std::size_t alignment = 256; // as cudaMalloc promises
constexpr int poison = 0xff;

struct books {
  std::mutex guard;
  std::map<const void*, block, std::greater<>> blocks; // by their begin
};

books& the_books() {
  static auto* one = new books;
  return *one;
}

std::size_t& used_of(cudaMemoryType type, int device) {
  auto& all = the_machine();
  return type == cudaMemoryTypeHost
             ? all.pinned_used
             : all.devices.at(static_cast<std::size_t>(device)).used;
}

/// Books `size` more bytes if there is room.
bool charge(std::size_t size, cudaMemoryType type, int device,
    CUmemPoolHandle_st* pool) {
  auto& all = the_machine();
  std::lock_guard lock{all.guard};
  auto& used = used_of(type, device);
  const auto most =
      type == cudaMemoryTypeHost ? all.pinned_bytes : all.device_bytes;
  if (size > most - used)
    return false;
  used += size;
  if (pool != nullptr) {
    pool->used += size;
    pool->most_used = std::max(pool->most_used, pool->used);
  }
  return true;
}

void discharge(const block& what) {
  std::lock_guard lock{the_machine().guard};
  used_of(what.type, what.device) -= what.size;
  if (what.pool != nullptr)
    what.pool->used -= what.size;
}

} // namespace

std::optional<block> owner_of(const void* where) {
  std::lock_guard lock{the_books().guard};
  auto found = the_books().blocks.lower_bound(where);
  if (found == the_books().blocks.end() ||
      static_cast<const std::byte*>(where) >
          found->second.begin + found->second.size)
    return std::nullopt;
  return found->second;
}

bool reaches(int device, const block& what) {
  if (what.type == cudaMemoryTypeHost || what.device == device)
    return true;
  std::lock_guard lock{the_machine().guard};
  if (what.pool != nullptr)
    return what.pool->reached_by.contains(device);
  return the_machine()
      .devices.at(static_cast<std::size_t>(device))
      .reaches.contains(what.device);
}

cudaError_t allocate(void** begin, std::size_t size, cudaMemoryType type,
    int device, CUmemPoolHandle_st* pool) {
  *begin = nullptr;
  if (size == 0)
    return cudaSuccess;
  if (!charge(size, type, device, pool))
    return cudaErrorMemoryAllocation;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, size) != 0)
    die("the host has no %zu bytes to emulate with", size);
  std::memset(memory, poison, size);
  block made{static_cast<std::byte*>(memory), size, type, device, pool};
  std::lock_guard lock{the_books().guard};
  the_books().blocks.emplace(memory, made);
  *begin = memory;
  return cudaSuccess;
}

std::optional<block> forget(void* begin, cudaMemoryType type) {
  std::unique_lock lock{the_books().guard};
  auto found = the_books().blocks.find(begin);
  if (found == the_books().blocks.end() || found->second.type != type)
    return std::nullopt;
  auto result = found->second;
  the_books().blocks.erase(found);
  lock.unlock();
  discharge(result);
  return result;
}

void release(const block& what) {
  std::memset(what.begin, poison, what.size);
  std::free(what.begin);
}

} // namespace troupe::cuda_emulation
