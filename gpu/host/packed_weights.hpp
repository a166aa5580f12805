#pragma once

#include <algorithm>
#include <cstddef>

#include "gpu/host/kernels.hpp"

namespace troupe::gpu::host {

/// Weights of a convolution as tiles read them: in strips of as many outputs as
/// a tile has columns, each strip [kernel row, kernel column, input, output].
struct packed_weights {
  float* data = nullptr;
  std::size_t outputs = 0;
  std::size_t inputs = 0;
  std::size_t kernel = 0; ///< width and height

  std::size_t depth() const { return kernel * kernel * inputs; }
  std::size_t size() const { return depth() * outputs; }
  static std::size_t widest() { return 2 * best_kernels().width; }
  std::size_t width(std::size_t first) const {
    return std::min(widest(), outputs - first);
  }
  /// The strip that starts with output `first`, from kernel row `row`.
  float* strip(std::size_t first, std::size_t row = 0) const {
    return data + first * depth() + row * kernel * inputs * width(first);
  }

  /// Calls visit(element, output, input, kernel row, kernel column) for all,
  /// one input after the other: what that reads elsewhere stays in the cache.
  template <class Visit>
  void each(Visit visit) const {
    for (std::size_t first = 0; first < outputs; first += widest())
      for (std::size_t in = 0; in < inputs; ++in)
        for (std::size_t y = 0; y < kernel; ++y)
          for (std::size_t x = 0; x < kernel; ++x) {
            auto* at = strip(first, y) + (x * inputs + in) * width(first);
            for (std::size_t out = first; out < first + width(first); ++out)
              visit(*at++, out, in, y, x);
          }
  }
};

} // namespace troupe::gpu::host
