#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "gpu/lanes.hpp"

namespace troupe::gpu {

/// A borrowed row-major matrix on one device. `t()` is its transpose, the same
/// elements read the other way, as matrix products take it.
template <class T>
struct basic_matrix {
  T* data = nullptr;
  std::size_t rows = 0;    ///< as stored
  std::size_t columns = 0; ///< as stored
  bool transposed = false;

  basic_matrix() = default;
  basic_matrix(std::span<T> elements, std::size_t r, std::size_t c)
      : data(elements.data()), rows(r), columns(c) {
    assert(elements.size() == r * c && "a matrix covers its span");
  }
  /// A matrix that is only read may look at one that can be written.
  template <class U>
  requires(std::is_same_v<T, const U>)
      basic_matrix(const basic_matrix<U>& other)
      : data(other.data),
        rows(other.rows),
        columns(other.columns),
        transposed(other.transposed) {}

  basic_matrix t() const {
    auto result = *this;
    result.transposed = !transposed;
    return result;
  }
  std::size_t size() const { return rows * columns; }
  std::span<T> span() const { return {data, size()}; }
  /// Rows [first, first + count), as stored.
  basic_matrix slice(std::size_t first, std::size_t count) const {
    assert(!transposed && first + count <= rows);
    return {{data + first * columns, count * columns}, count, columns};
  }
};

using matrix = basic_matrix<float>;
using const_matrix = basic_matrix<const float>;

/// One sample's extents inside a network: an image with its channels last, or,
/// with height = width = 1, a plain vector of `channels` values.
struct extents {
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t channels = 1;

  std::size_t size() const noexcept { return height * width * channels; }
  friend bool operator==(const extents&, const extents&) = default;
};

} // namespace troupe::gpu
