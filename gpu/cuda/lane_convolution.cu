#include "gpu/cuda/operators.hpp"

#include <algorithm>
#include <cassert>

#include "gpu/cuda/lane.cuh"
#include "gpu/cuda/launch.hpp"
#include "gpu/cuda/sums.cuh"
#include "gpu/cuda/tensor_sums.cuh"
#include "gpu/cuda/width.cuh"
#include "gpu/cuda/windows.cuh"

// Convolutions as products with the matrix of windows, which is read from the
// images where they lie. Weights are first brought into the windows' order,
//   packed[place in the window][in channel][out channel],
// as the channels of a pixel are what lies together: 2 % of the work where
// images are larger than kernels, and all reads are whole sectors from then on.
namespace troupe::gpu::cuda {
namespace {

constexpr unsigned edge = 32; // of what is brought into another order at once
constexpr unsigned threads = 256;
constexpr unsigned edge_rows = threads / edge;

/// A tile of 128 pixels by N channels: 16 or 32 where those are all, or
/// else 64. A thread that loads single floats (V = 1) keeps more addresses in
/// its registers, and so has room for fewer sums.
template <precision P, unsigned N, unsigned V>
using pixel_shape =
    tile_shape<P, 128, N, 16, (N > 32 || (N > 16 && V == 4) ? 8 : 4), 4>;
/// Out channels by places in the window, over pixels. With few of both there
/// is one tile, whose pixels groups of threads then share.
template <precision P>
using weight_shape = tile_shape<P, 64, 64, 16, 8, 4>;
template <precision P>
using small_weight_shape = tile_shape<P, 32, 32, 32, 4, 4, 4>;

/// What a launch's blocks have in common.
struct filter {
  unsigned in;     // channels
  unsigned out;    // channels
  unsigned places; // of a window
  unsigned pixels; // of an output
  unsigned share;  // images of a lane
  const lane_step* steps;

  __host__ __device__ unsigned depth() const { return places * in; }
  __host__ __device__ std::size_t weights() const {
    return std::size_t{out} * depth();
  }
};

/// Transposes `rows` x `columns` values, of which `from(row, column)` are read
/// along columns and `to(column, row, value)` are written along rows. One edge
/// x edge tile by a block.
template <class From, class To>
__device__ void turn(unsigned first_row, unsigned rows, unsigned first_column,
    unsigned columns, From from, To to) {
  __shared__ float tile[edge][edge + 1];
  const auto x = threadIdx.x % edge;
  for (auto y = threadIdx.x / edge; y < edge; y += edge_rows)
    if (first_row + y < rows && first_column + x < columns)
      tile[y][x] = from(first_row + y, first_column + x);
  __syncthreads();
  for (auto y = threadIdx.x / edge; y < edge; y += edge_rows)
    if (first_column + y < columns && first_row + x < rows)
      to(first_column + y, first_row + x, tile[x][y]);
}

__global__ void __launch_bounds__(threads) pack_kernel(
    filter what, lane_blocks<const float> weight, float* __restrict__ packed) {
  const auto lane = blockIdx.z;
  if (rests(what.steps, lane))
    return;
  const auto* from = weight[lane];
  auto* to = packed + lane * what.weights();
  turn(
      blockIdx.y * edge, what.out, blockIdx.x * edge, what.depth(),
      [&](unsigned out, unsigned at) {
        return from[std::size_t{out} * what.depth() + at];
      },
      [&](unsigned at, unsigned out, float x) {
        const auto row = at % what.places * what.in + at / what.places;
        to[std::size_t{row} * what.out + out] = x;
      });
}

/// Weights for the gradient by the input: the window turned around, its out
/// channels along k.
struct turned_weights {
  const float* __restrict__ packed;
  const filter& what;
  const divisor& by_out;

  static constexpr unsigned none = 0xffffffff;

  __device__ unsigned row(unsigned in) const {
    return in < what.in ? in * what.out : none;
  }
  __device__ unsigned at(unsigned k) const {
    if (k >= what.places * what.out)
      return none;
    const auto place = what.places - 1 - by_out.divide(k);
    return place * what.in * what.out + k;
  }
  template <unsigned V>
  __device__ void load(unsigned row, unsigned at, float (&into)[V]) const {
    const auto there = row != none && at != none;
    read(packed + (there ? row + at : 0), there, into);
  }
};

template <precision P, unsigned N, unsigned V>
__global__ void __launch_bounds__(pixel_shape<P, N, V>::threads)
    convolve_kernel(filter what, const window_matrix windows,
        const float* __restrict__ packed, lane_blocks<const float> bias,
        activation then, const float* __restrict__ in, std::size_t image,
        float* __restrict__ out) {
  using shape = pixel_shape<P, N, V>;
  const auto lane = blockIdx.z;
  const auto pixels = rows_of(what.steps, lane, what.share) * what.pixels;
  const auto first_pixel = blockIdx.x * shape::rows;
  const auto first_channel = blockIdx.y * N;
  if (first_pixel >= pixels)
    return;
  operand<shape, shape::rows, order::along_k, V, window_source> a{
      {windows, in + lane * what.share * image, pixels}, first_pixel};
  operand<shape, N, order::across_k, V, matrix_source> b{
      {packed + lane * what.weights(), what.out, what.depth(), 1, what.out},
      first_channel};
  tile_sums<shape> sums;
  sums.add(a, b, 0, what.depth());
  auto* to = out + std::size_t{lane} * what.share * what.pixels * what.out;
  sums.each_four([&](unsigned m, unsigned n, const float(&four)[4]) {
    const auto pixel = first_pixel + m;
    const auto channel = first_channel + n;
    if (pixel >= pixels || channel >= what.out)
      return;
    const auto left = what.out - channel;
    float result[4];
    for (unsigned i = 0; i < 4; ++i)
      result[i] =
          i < left ? activated(four[i] + bias[lane][channel + i], then) : 0.0f;
    write_four(to + std::size_t{pixel} * what.out + channel, left, result);
  });
}

template <precision P, unsigned N, unsigned V>
__global__ void __launch_bounds__(
    pixel_shape<P, N, V>::threads) input_gradient_kernel(filter what,
    const window_matrix windows, const divisor by_out, unsigned in_pixels,
    const float* __restrict__ packed, const float* __restrict__ out_gradient,
    float* __restrict__ in_gradient) {
  using shape = pixel_shape<P, N, V>;
  const auto lane = blockIdx.z;
  const auto images = rows_of(what.steps, lane, what.share);
  const auto pixels = images * in_pixels;
  const auto first_pixel = blockIdx.x * shape::rows;
  const auto first_channel = blockIdx.y * N;
  if (first_pixel >= pixels)
    return;
  operand<shape, shape::rows, order::along_k, V, window_source> a{
      {windows,
          out_gradient +
              std::size_t{lane} * what.share * what.pixels * what.out,
          pixels},
      first_pixel};
  operand<shape, N, order::along_k, V, turned_weights> b{
      {packed + lane * what.weights(), what, by_out}, first_channel};
  tile_sums<shape> sums;
  sums.add(a, b, 0, windows.depth());
  auto* to = in_gradient + std::size_t{lane} * what.share * in_pixels * what.in;
  sums.each_four([&](unsigned m, unsigned n, const float(&four)[4]) {
    const auto pixel = first_pixel + m;
    const auto channel = first_channel + n;
    if (pixel < pixels && channel < what.in)
      write_four(
          to + std::size_t{pixel} * what.in + channel, what.in - channel, four);
  });
}

// A part of the pixels, of `length` each, to its own sums, [out channel][place
// in the window][in channel]. Parts depend on a lane's share alone.
template <class Shape, unsigned V>
__global__ void __launch_bounds__(Shape::threads) weight_gradient_kernel(
    filter what, const window_matrix windows, unsigned length, unsigned parts,
    const float* __restrict__ in, std::size_t image,
    const float* __restrict__ out_gradient, float* __restrict__ partial) {
  const auto lane = blockIdx.z / parts;
  const auto part = blockIdx.z % parts;
  const auto pixels = rows_of(what.steps, lane, what.share) * what.pixels;
  const auto begin = part * length;
  if (begin >= pixels)
    return;
  const auto end = min(begin + length, pixels);
  const auto first_out = blockIdx.x * Shape::rows;
  const auto first_tap = blockIdx.y * Shape::columns;
  operand<Shape, Shape::rows, order::across_k, V, matrix_source> a{
      {out_gradient + std::size_t{lane} * what.share * what.pixels * what.out,
          what.out, end, 1, what.out},
      first_out};
  operand<Shape, Shape::columns, order::across_k, V, tap_source> b{
      {windows, in + lane * what.share * image, end}, first_tap};
  tile_sums<Shape> sums;
  sums.add(a, b, begin, end);
  auto* to = partial + blockIdx.z * what.weights();
  const auto put = [&](unsigned m, unsigned n, const auto& x) {
    const auto row = first_out + m;
    const auto column = first_tap + n;
    if (row >= what.out || column >= what.depth())
      return;
    auto* here = to + std::size_t{row} * what.depth() + column;
    if constexpr (Shape::groups == 1)
      write_four(here, what.depth() - column, x);
    else
      *here = x;
  };
  if constexpr (Shape::groups == 1)
    sums.each_four(put);
  else
    sums.each(put);
}

// Adds the parts, the first one first, and brings the weights of one out
// channel back into PyTorch's order.
__global__ void __launch_bounds__(threads) unpack_kernel(filter what,
    unsigned length, unsigned parts, const float* __restrict__ partial,
    lane_sinks sinks, unsigned channel_tiles) {
  const auto lane = blockIdx.z;
  if (rests(what.steps, lane))
    return;
  const auto pixels = rows_of(what.steps, lane, what.share) * what.pixels;
  const auto used = (pixels + length - 1) / length;
  const auto out = std::size_t{blockIdx.y} * what.depth();
  const auto* from = partial + lane * parts * what.weights() + out;
  const auto sink = sinks[lane];
  turn(
      blockIdx.x / channel_tiles * edge, what.places,
      blockIdx.x % channel_tiles * edge, what.in,
      [&](unsigned place, unsigned in) {
        auto sum = 0.0f;
        for (unsigned i = 0; i < used; ++i)
          sum += from[i * what.weights() + place * what.in + in];
        return sum;
      },
      [&](unsigned in, unsigned place, float sum) {
        sink.put(out + in * what.places + place, sum);
      });
}

filter filter_of(const convolution& what, const const_matrix& images,
    std::size_t lanes, const lane_step* steps) {
  const auto out = what.out();
  const auto share = images.rows / lanes;
  assert(images.rows % lanes == 0);
  check_limit(lanes, most_blocks, "lanes of a convolution");
  check_limit(what.weights(), most_elements - 1, "weights of a convolution");
  check_limit(share,
      (most_elements - 1) /
          std::max({what.in.size(), out.size(), std::size_t{1}}),
      "images of a lane in a convolution");
  return {unsigned(what.in.channels), unsigned(what.channels),
      unsigned(what.kernel * what.kernel), unsigned(out.height * out.width),
      unsigned(share), steps};
}

bool wide(const convolution& what) {
  return what.in.channels % 4 == 0 && what.channels % 4 == 0;
}

/// Calls launch(N), N the width of the tiles for so many channels.
template <class Launch>
void with_channels(std::size_t channels, Launch launch) {
  if (channels <= 16)
    launch(std::integral_constant<unsigned, 16>{});
  else if (channels <= 32)
    launch(std::integral_constant<unsigned, 32>{});
  else
    launch(std::integral_constant<unsigned, 64>{});
}

const float* packed(
    device_stream& on, const filter& what, const const_lanes& weight) {
  auto* result = static_cast<float*>(
      of(on).scratch(weight.count * what.weights() * sizeof(float)));
  launch(on, pack_kernel,
      {tiles(what.depth(), edge), tiles(what.out, edge),
          unsigned(weight.count)},
      threads, what, lane_blocks<const float>{weight}, result);
  return result;
}

/// Into how many parts a lane's pixels go: enough for a lane to occupy a good
/// part of a GPU by itself, and not so many that their sums are worth a
/// thought.
unsigned parts_of(std::size_t pixels, unsigned blocks) {
  const auto enough =
      std::max<std::size_t>((15 + blocks) / blocks, pixels / 4096);
  return unsigned(std::clamp<std::size_t>(
      enough, 1, std::max<std::size_t>(pixels / 256, 1)));
}

template <class Shape, unsigned V>
void weight_gradient(device_stream& on, const convolution& what,
    const filter& all, const const_matrix& in, const const_matrix& out_gradient,
    const gradient_sink& to) {
  const auto pixels = std::size_t{all.share} * all.pixels;
  const auto down = tiles(all.out, Shape::rows);
  const auto across = tiles(all.depth(), Shape::columns);
  const auto parts = parts_of(pixels, down * across);
  const auto length = std::max(tiles(pixels, parts), 1u);
  const auto lanes = unsigned(to.destination.count);
  check_limit(lanes, most_blocks / parts, "lanes of a convolution's gradient");
  auto* partial = static_cast<float*>(
      of(on).scratch(lanes * parts * all.weights() * sizeof(float)));
  const window_matrix windows{what.in, what.out(), what.kernel, what.padding};
  if (pixels > 0)
    launch(on, weight_gradient_kernel<Shape, V>, {down, across, lanes * parts},
        Shape::threads, all, windows, length, parts, in.data, in.columns,
        out_gradient.data, partial);
  const auto channel_tiles = tiles(all.in, edge);
  launch(on, unpack_kernel,
      {channel_tiles * tiles(all.places, edge), all.out, lanes}, threads, all,
      length, parts, partial, lane_sinks{to}, channel_tiles);
}

} // namespace

void convolve_lanes(device_stream& on, const convolution& what,
    const_lanes weight, const_lanes bias, activation then, const_matrix in,
    matrix out) {
  if (out.size() == 0)
    return;
  const auto all = filter_of(what, in, weight.count, weight.steps);
  const auto* weights = packed(on, all, weight);
  const window_matrix windows{what.in, what.out(), what.kernel, what.padding};
  const auto lanes = unsigned(weight.count);
  with_operands(on, wide(what) && aligned(in.data), [&](auto p, auto v) {
    with_channels(what.channels, [&](auto n) {
      using shape = pixel_shape<p, n, v>;
      launch(on, convolve_kernel<p, n, v>,
          {tiles(std::size_t{all.share} * all.pixels, shape::rows),
              tiles(all.out, n), lanes},
          shape::threads, all, windows, weights, lane_blocks<const float>{bias},
          then, in.data, in.columns, out.data);
    });
  });
}

void convolve_lanes_backward_input(device_stream& on, const convolution& what,
    const_lanes weight, const_matrix out_gradient, matrix in_gradient) {
  if (in_gradient.size() == 0)
    return;
  const auto all = filter_of(what, out_gradient, weight.count, weight.steps);
  const auto* weights = packed(on, all, weight);
  const window_matrix windows{
      what.out(), what.in, what.kernel, what.kernel - 1 - what.padding};
  const auto in_pixels = unsigned(what.in.height * what.in.width);
  const auto lanes = unsigned(weight.count);
  with_operands(
      on, wide(what) && aligned(out_gradient.data), [&](auto p, auto v) {
        with_channels(what.in.channels, [&](auto n) {
          using shape = pixel_shape<p, n, v>;
          launch(on, input_gradient_kernel<p, n, v>,
              {tiles(std::size_t{all.share} * in_pixels, shape::rows),
                  tiles(all.in, n), lanes},
              shape::threads, all, windows, divisor{what.channels}, in_pixels,
              weights, out_gradient.data, in_gradient.data);
        });
      });
}

void convolve_lanes_backward_weight(device_stream& on, const convolution& what,
    const_matrix in, const_matrix out_gradient, gradient_sink to) {
  if (what.weights() == 0)
    return;
  const auto all =
      filter_of(what, in, to.destination.count, to.destination.steps);
  using small = small_weight_shape<precision::fp32>;
  const auto fits = all.out <= small::rows && all.depth() <= 4 * small::columns;
  const auto four =
      wide(what) && aligned(in.data) && aligned(out_gradient.data);
  with_operands(on, four, [&](auto p, auto v) {
    if (fits)
      weight_gradient<small_weight_shape<p>, v>(
          on, what, all, in, out_gradient, to);
    else
      weight_gradient<weight_shape<p>, v>(on, what, all, in, out_gradient, to);
  });
}

} // namespace troupe::gpu::cuda
