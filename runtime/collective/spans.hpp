#pragma once

#include <cstddef>
#include <cstring>
#include <stdexcept>

#include "gpu/collective/collective.hpp"

namespace troupe::collective {

// What a group's operations do with the spans that they are given.

inline std::size_t bytes_of(gpu::const_typed_span x) {
  return x.count * gpu::bytes_of(x.type);
}

inline std::byte* bytes_at(gpu::typed_span x, std::size_t element = 0) {
  return static_cast<std::byte*>(x.data) + element * gpu::bytes_of(x.type);
}
inline const std::byte* bytes_at(
    gpu::const_typed_span x, std::size_t element = 0) {
  return static_cast<const std::byte*>(x.data) +
         element * gpu::bytes_of(x.type);
}

inline void copy(const void* from, void* to, std::size_t bytes) {
  if (from != to && bytes > 0)
    std::memmove(to, from, bytes);
}

/// Throws `std::invalid_argument`.
inline void require(bool right, const char* what) {
  if (!right)
    throw std::invalid_argument{what};
}

} // namespace troupe::collective
