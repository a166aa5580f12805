#include "gpu/host/slide.hpp"

#include <algorithm>
#include <limits>

namespace troupe::gpu::host {
namespace {

std::ptrdiff_t distance(std::size_t x) {
  return static_cast<std::ptrdiff_t>(x);
}

/// A copy of an image with zeroes left and right; nothing above and below,
/// where windows are cut instead. Without padding, the image itself.
const float* pad(
    const float* image, const extents& of, std::size_t padding, float* padded) {
  if (padding == 0)
    return image;
  const auto row = of.width * of.channels;
  const auto edge = padding * of.channels;
  auto* to = padded;
  for (std::size_t y = 0; y < of.height; ++y) {
    to = std::fill_n(to, edge, 0.0f);
    to = std::copy_n(image + y * row, row, to);
    to = std::fill_n(to, edge, 0.0f);
  }
  return padded;
}

/// The part of [0, count) in which at + i - padding is within [0, size).
struct range {
  std::size_t first;
  std::size_t last;
};
range inside(
    std::size_t at, std::size_t count, std::size_t padding, std::size_t size) {
  const auto first = padding > at ? padding - at : 0;
  const auto last =
      std::min(count, size + padding > at ? size + padding - at : 0);
  return {first, std::max(first, last)};
}

/// Elements of an image's row with its padding.
std::size_t padded_row(const sliding& what) {
  return (what.in.width + 2 * what.padding) * what.in.channels;
}

/// One row of windows, for one strip of outputs.
void slide_row(const sliding& what, const float* image, float* out,
    std::size_t y, std::size_t first) {
  const auto& w = what.weights;
  const auto width = w.width(first);
  const auto row = padded_row(what);
  const auto rows = inside(y, w.kernel, what.padding, what.in.height);
  run({.a = image + (y + rows.first - what.padding) * row,
          .a_row = distance(what.in.channels),
          .a_segment = distance(row),
          .a_step = 1,
          .b = w.strip(first, rows.first),
          .b_segment = distance(w.kernel * w.inputs * width),
          .b_row = distance(width),
          .segments = rows.last - rows.first,
          .length = w.kernel * w.inputs,
          .start = what.start != nullptr ? what.start + first : zeroes,
          .start_row = 0,
          .c = out + y * what.out.width * what.out.channels + first,
          .c_row = distance(what.out.channels),
          .columns = width,
          .floor = what.floor},
      what.out.width);
}

/// Adds one image's part of the gradient by the weights of kernel row `y`, for
/// one strip of outputs.
void add_gradient(const sliding& what, const float* image,
    const float* out_gradient, std::size_t y, std::size_t first) {
  const auto& sums = what.weights;
  const auto width = sums.width(first);
  const auto row = padded_row(what);
  const auto out_row = what.out.width * what.out.channels;
  const auto rows = inside(y, what.out.height, what.padding, what.in.height);
  if (rows.first == rows.last)
    return;
  auto* c = sums.strip(first, y);
  run({.a = image + (y + rows.first - what.padding) * row,
          .a_row = 1,
          .a_segment = distance(row),
          .a_step = distance(what.in.channels),
          .b = out_gradient + rows.first * out_row + first,
          .b_segment = distance(out_row),
          .b_row = distance(what.out.channels),
          .segments = rows.last - rows.first,
          .length = what.out.width,
          .start = c,
          .start_row = distance(width),
          .c = c,
          .c_row = distance(width),
          .columns = width,
          .floor = -std::numeric_limits<float>::infinity()},
      sums.kernel * sums.inputs);
}

} // namespace

void slide(const sliding& what, const_matrix in, matrix out, float* padded) {
  for (std::size_t i = 0; i < in.rows; ++i) {
    const auto* image =
        pad(in.data + i * in.columns, what.in, what.padding, padded);
    auto* to = out.data + i * out.columns;
    for (std::size_t first = 0; first < what.weights.outputs;
         first += packed_weights::widest())
      for (std::size_t y = 0; y < what.out.height; ++y)
        slide_row(what, image, to, y, first);
  }
}

void slide_backward(const sliding& what, const_matrix in,
    const_matrix out_gradient, float* padded) {
  const auto& sums = what.weights;
  for (std::size_t i = 0; i < in.rows; ++i) {
    const auto* image =
        pad(in.data + i * in.columns, what.in, what.padding, padded);
    const auto* gradient = out_gradient.data + i * out_gradient.columns;
    for (std::size_t y = 0; y < sums.kernel; ++y)
      for (std::size_t first = 0; first < sums.outputs;
           first += packed_weights::widest())
        add_gradient(what, image, gradient, y, first);
  }
}

std::size_t padded_size(const extents& image, std::size_t padding) noexcept {
  if (padding == 0)
    return 0;
  return image.height * (image.width + 2 * padding) * image.channels;
}

} // namespace troupe::gpu::host
