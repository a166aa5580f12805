#include "gpu/host/scatter.hpp"

#include "gpu/host/kernels.hpp"

#include <algorithm>
#include <limits>

namespace troupe::gpu::host {
namespace {

std::ptrdiff_t distance(std::size_t x) {
  return static_cast<std::ptrdiff_t>(x);
}

/// What all windows of an image give to the pixels of their row `ky`.
void give(const scattering& what, const float* gradient, std::size_t ky,
    float* given) {
  const auto window = what.kernel * what.in.channels;
  const auto widest = 2 * best_kernels().width;
  for (std::size_t first = 0; first < window; first += widest)
    run({.a = gradient,
            .a_row = distance(what.out.channels),
            .a_step = 1,
            .b = what.weights + ky * what.out.channels * window + first,
            .b_row = distance(window),
            .length = what.out.channels,
            .c = given + first,
            .c_row = distance(window),
            .columns = std::min(widest, window - first),
            .floor = -std::numeric_limits<float>::infinity()},
        what.out.height * what.out.width);
}

/// Adds it there. Neighbours in a row overlap, and the sum of one would have to
/// wait for that of the one before; windows above each other do not.
void add(const scattering& what, const float* given, float* to) {
  const auto window = what.kernel * what.in.channels;
  const auto row = what.in.width * what.in.channels;
  for (std::size_t x = 0; x < what.out.width; ++x)
    best_kernels().add_rows({.from = given + x * window,
        .from_row = distance(what.out.width * window),
        .to = to + x * what.in.channels,
        .to_row = distance(row),
        .rows = what.out.height,
        .columns = window});
}

} // namespace

void scatter(const scattering& what, const_matrix out_gradient,
    matrix in_gradient, float* given) {
  std::ranges::fill(in_gradient.span(), 0.0f);
  for (std::size_t i = 0; i < out_gradient.rows; ++i) {
    const auto* gradient = out_gradient.data + i * out_gradient.columns;
    auto* image = in_gradient.data + i * in_gradient.columns;
    for (std::size_t ky = 0; ky < what.kernel; ++ky) {
      give(what, gradient, ky, given);
      add(what, given, image + ky * what.in.width * what.in.channels);
    }
  }
}

} // namespace troupe::gpu::host
