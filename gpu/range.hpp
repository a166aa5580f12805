#pragma once

#include <cstddef>
#include <span>

namespace troupe::gpu {

/// A part of a flat block.
struct range {
  std::size_t first = 0;
  std::size_t size = 0;

  template <class T>
  std::span<T> of(std::span<T> all) const {
    return all.subspan(first, size);
  }

  friend bool operator==(const range&, const range&) = default;
};

/// The part of a block of `size` values that is the `index`th of `count`: one
/// behind the other, and none larger than another by more than a value.
constexpr range range_of(
    std::size_t index, std::size_t count, std::size_t size) noexcept {
  const auto begin = [&](std::size_t i) {
    const auto even = size / count, left = size % count;
    return i * even + (i < left ? i : left);
  };
  return {begin(index), begin(index + 1) - begin(index)};
}

} // namespace troupe::gpu
