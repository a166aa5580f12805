#pragma once

#include <cstddef>
#include <limits>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace troupe::gpu {

/// A standard allocator that asks the kernel for huge pages when a block is
/// large: streaming over hundreds of megabytes then misses the TLB rarely (the
/// accumulator gains a fifth). Small blocks come as always.
template <class T>
struct large_allocator {
  using value_type = T;
  static constexpr std::size_t huge_page = std::size_t{1} << 21;

  large_allocator() = default;
  template <class U>
  constexpr large_allocator(const large_allocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T))
      throw std::bad_array_new_length{};
    auto bytes = count * sizeof(T);
    auto* block = ::operator new(bytes, alignment(count));
#ifdef __linux__
    if (is_large(count)) // a wish: refused, the pages are small ones
      static_cast<void>(madvise(block, bytes, MADV_HUGEPAGE));
#endif
    return static_cast<T*>(block);
  }

  void deallocate(T* block, std::size_t count) noexcept {
    ::operator delete(block, alignment(count));
  }

  template <class U>
  friend constexpr bool operator==(
      const large_allocator&, const large_allocator<U>&) noexcept {
    return true;
  }

private:
  static constexpr bool is_large(std::size_t count) noexcept {
    return count >= 2 * huge_page / sizeof(T);
  }
  static constexpr std::align_val_t alignment(std::size_t count) noexcept {
    return std::align_val_t{is_large(count) ? huge_page : 64};
  }
};

} // namespace troupe::gpu
