#include "gpu/operators/convolution.hpp"

#include "gpu/host/kernels.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace troupe::gpu {
namespace {

using host::tile_job;

constexpr auto no_floor = -std::numeric_limits<float>::infinity();
constexpr std::array<float, 64> zeroes{};

std::ptrdiff_t distance(std::size_t x) {
  return std::ptrdiff_t(x);
}

/// Does a job of any number of rows, in tiles of about the same size.
void run(tile_job job, std::size_t rows) {
  const auto& kernels = host::best_kernels();
  const auto most = kernels.most_rows[job.columns > kernels.width];
  const auto tiles = (rows + most - 1) / most;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const auto count = rows * (tile + 1) / tiles - rows * tile / tiles;
    kernels.tile(job, count);
    job.a += distance(count) * job.a_row;
    job.start += distance(count) * job.start_row;
    job.c += distance(count) * job.c_row;
  }
}

/// Weights as tiles read them: in strips of as many outputs as a tile has
/// columns, each strip [kernel row, kernel column, input, output].
struct packed_weights {
  float* data = nullptr;
  std::size_t outputs = 0;
  std::size_t inputs = 0;
  std::size_t kernel = 0;

  std::size_t depth() const { return kernel * kernel * inputs; }
  std::size_t size() const { return depth() * outputs; }
  static std::size_t widest() { return 2 * host::best_kernels().width; }
  std::size_t width(std::size_t first) const {
    return std::min(widest(), outputs - first);
  }
  /// The strip that starts with output `first`, from kernel row `row`.
  float* strip(std::size_t first, std::size_t row = 0) const {
    return data + first * depth() + row * kernel * inputs * width(first);
  }

  /// Calls visit(element, output, input, kernel row, kernel column).
  template <class Visit>
  void each(Visit visit) const {
    auto* at = data;
    for (std::size_t first = 0; first < outputs; first += widest())
      for (std::size_t y = 0; y < kernel; ++y)
        for (std::size_t x = 0; x < kernel; ++x)
          for (std::size_t in = 0; in < inputs; ++in)
            for (std::size_t out = first; out < first + width(first); ++out)
              visit(*at++, out, in, y, x);
  }
};

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

/// What forward and the backward pass by the input have in common.
struct sliding {
  extents in;
  extents out;
  std::size_t padding;
  packed_weights weights;
  const float* start; ///< one value an output
  float floor;
};

/// One row of windows, for one strip of outputs.
void slide_row(const sliding& what, const float* image, float* out,
    std::size_t y, std::size_t first, const float* start) {
  const auto& w = what.weights;
  const auto width = w.width(first);
  const auto row = (what.in.width + 2 * what.padding) * what.in.channels;
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
          .start = start,
          .start_row = 0,
          .c = out + y * what.out.width * what.out.channels + first,
          .c_row = distance(what.out.channels),
          .columns = width,
          .floor = what.floor},
      what.out.width);
}

void slide(const sliding& what, const_matrix in, matrix out, float* padded) {
  for (std::size_t i = 0; i < in.rows; ++i) {
    const auto* image =
        pad(in.data + i * in.columns, what.in, what.padding, padded);
    auto* to = out.data + i * out.columns;
    for (std::size_t first = 0; first < what.weights.outputs;
         first += packed_weights::widest()) {
      const auto* start =
          what.start != nullptr ? what.start + first : zeroes.data();
      for (std::size_t y = 0; y < what.out.height; ++y)
        slide_row(what, image, to, y, first, start);
    }
  }
}

/// Adds one sample's part of the gradient of one kernel row's weights.
void add_gradient(const convolution& what, const packed_weights& sums,
    const float* image, const float* out_gradient, std::size_t y) {
  const auto out = what.out();
  const auto row = (what.in.width + 2 * what.padding) * what.in.channels;
  const auto rows = inside(y, out.height, what.padding, what.in.height);
  for (std::size_t first = 0; first < sums.outputs;
       first += packed_weights::widest()) {
    const auto width = sums.width(first);
    auto* c = sums.strip(first, y);
    run({.a = image + (y + rows.first - what.padding) * row,
            .a_row = 1,
            .a_segment = distance(row),
            .a_step = distance(what.in.channels),
            .b = out_gradient + rows.first * out.width * out.channels + first,
            .b_segment = distance(out.width * out.channels),
            .b_row = distance(out.channels),
            .segments = rows.last - rows.first,
            .length = out.width,
            .start = c,
            .start_row = distance(width),
            .c = c,
            .c_row = distance(width),
            .columns = width,
            .floor = no_floor},
        what.kernel * what.in.channels);
  }
}

std::size_t padded_size(const extents& of, std::size_t padding) {
  return padding > 0 ? of.height * (of.width + 2 * padding) * of.channels : 0;
}

} // namespace

std::size_t convolution::workspace() const noexcept {
  return weights() + std::max(padded_size(in, padding),
                         padded_size(out(), kernel - 1 - padding));
}

void convolve(device_stream&, const convolution& what,
    std::span<const float> weight, std::span<const float> bias, activation then,
    const_matrix in, matrix out, std::span<float> workspace) {
  const auto k = what.kernel;
  const packed_weights packed{
      workspace.data(), what.channels, what.in.channels, k};
  packed.each([&](float& to, auto o, auto i, auto y, auto x) {
    to = weight[((o * what.in.channels + i) * k + y) * k + x];
  });
  slide({.in = what.in,
            .out = what.out(),
            .padding = what.padding,
            .weights = packed,
            .start = bias.data(),
            .floor = then == activation::relu ? 0.0f : no_floor},
      in, out, workspace.data() + packed.size());
}

// The gradient by the input is itself a convolution: of the gradient by the
// output, with the kernel turned around and inputs and outputs exchanged.
void convolve_backward_input(device_stream&, const convolution& what,
    std::span<const float> weight, const_matrix out_gradient,
    matrix in_gradient, std::span<float> workspace) {
  const auto k = what.kernel;
  const packed_weights packed{
      workspace.data(), what.in.channels, what.channels, k};
  packed.each([&](float& to, auto i, auto o, auto y, auto x) {
    to = weight[((o * what.in.channels + i) * k + (k - 1 - y)) * k +
                (k - 1 - x)];
  });
  slide({.in = what.out(),
            .out = what.in,
            .padding = k - 1 - what.padding,
            .weights = packed,
            .start = nullptr,
            .floor = no_floor},
      out_gradient, in_gradient, workspace.data() + packed.size());
}

void convolve_backward_weight(device_stream&, const convolution& what,
    const_matrix in, const_matrix out_gradient, gradient_sink to,
    std::span<float> workspace) {
  const auto k = what.kernel;
  const packed_weights sums{
      workspace.data(), what.channels, what.in.channels, k};
  std::fill_n(sums.data, sums.size(), 0.0f);
  auto* padded = workspace.data() + sums.size();
  for (std::size_t i = 0; i < in.rows; ++i) {
    const auto* image =
        pad(in.data + i * in.columns, what.in, what.padding, padded);
    for (std::size_t y = 0; y < k; ++y)
      add_gradient(
          what, sums, image, out_gradient.data + i * out_gradient.columns, y);
  }
  sums.each([&](float& sum, auto o, auto c, auto y, auto x) {
    auto& into = to.destination[((o * what.in.channels + c) * k + y) * k + x];
    into = to.beta == 0.0f ? to.alpha * sum : to.alpha * sum + to.beta * into;
  });
}

} // namespace troupe::gpu
