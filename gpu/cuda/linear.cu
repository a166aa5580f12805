#include "gpu/cuda/operators.hpp"

#include <algorithm>
#include <cassert>

#include "gpu/cuda/lane.cuh"
#include "gpu/cuda/launch.hpp"
#include "gpu/cuda/sums.cuh"
#include "gpu/cuda/tensor_sums.cuh"
#include "gpu/cuda/width.cuh"

// Lanes of few rows, as training in small batches has them, are bound by
// memory: all a lane's weights for some rows. There weights are the tall
// operand, and all rows fit in a tile, so that each weight is read once.
namespace troupe::gpu::cuda {
namespace {

template <precision P>
using few_shape = tile_shape<P, 64, 16, 32, 4, 4, 4>;
template <precision P>
using many_shape = tile_shape<P, 64, 64, 16, 8, 4>;
constexpr unsigned few_rows = few_shape<precision::fp32>::columns;

/// What a launch's blocks have in common.
struct layer {
  unsigned inputs;
  unsigned outputs;
  unsigned share; // rows of a lane
  const lane_step* steps;

  /// Where a lane's rows begin.
  __device__ std::size_t first(std::size_t lane) const { return lane * share; }
  __device__ unsigned rows(std::size_t lane) const {
    return rows_of(steps, lane, share);
  }
};

template <precision P, unsigned V>
__global__ void __launch_bounds__(few_shape<P>::threads, 4) forward_few_kernel(
    layer what, const float* __restrict__ in, lane_blocks<const float> weight,
    lane_blocks<const float> bias, activation then, float* __restrict__ out) {
  using shape = few_shape<P>;
  const auto lane = blockIdx.y;
  const auto rows = what.rows(lane);
  if (rows == 0)
    return;
  const auto first = blockIdx.x * shape::rows;
  operand<shape, shape::rows, order::along_k, V, matrix_source> a{
      {weight[lane], what.outputs, what.inputs, what.inputs, 1}, first};
  operand<shape, shape::columns, order::along_k, 1, matrix_source> b{
      {in + what.first(lane) * what.inputs, rows, what.inputs, what.inputs, 1},
      0};
  tile_sums<shape> sums;
  sums.add(a, b, 0, what.inputs);
  sums.each([&](unsigned m, unsigned row, float sum) {
    const auto output = first + m;
    if (output < what.outputs && row < rows)
      out[(what.first(lane) + row) * what.outputs + output] =
          activated(sum + bias[lane][output], then);
  });
}

template <precision P, unsigned V>
__global__ void __launch_bounds__(few_shape<P>::threads,
    3) input_gradient_few_kernel(layer what, lane_blocks<const float> weight,
    const float* __restrict__ out_gradient, float* __restrict__ in_gradient) {
  using shape = few_shape<P>;
  const auto lane = blockIdx.y;
  const auto rows = what.rows(lane);
  if (rows == 0)
    return;
  const auto first = blockIdx.x * shape::rows;
  operand<shape, shape::rows, order::across_k, V, matrix_source> a{
      {weight[lane], what.inputs, what.outputs, 1, what.inputs}, first};
  operand<shape, shape::columns, order::along_k, 1, matrix_source> b{
      {out_gradient + what.first(lane) * what.outputs, rows, what.outputs,
          what.outputs, 1},
      0};
  tile_sums<shape> sums;
  sums.add(a, b, 0, what.outputs);
  sums.each([&](unsigned m, unsigned row, float sum) {
    const auto input = first + m;
    if (input < what.inputs && row < rows)
      in_gradient[(what.first(lane) + row) * what.inputs + input] = sum;
  });
}

template <precision P, unsigned V>
__global__ void __launch_bounds__(many_shape<P>::threads) forward_kernel(
    layer what, const float* __restrict__ in, lane_blocks<const float> weight,
    lane_blocks<const float> bias, activation then, float* __restrict__ out) {
  using shape = many_shape<P>;
  const auto lane = blockIdx.z;
  const auto rows = what.rows(lane);
  const auto first_row = blockIdx.x * shape::rows;
  const auto first_column = blockIdx.y * shape::columns;
  if (first_row >= rows)
    return;
  operand<shape, shape::rows, order::along_k, V, matrix_source> a{
      {in + what.first(lane) * what.inputs, rows, what.inputs, what.inputs, 1},
      first_row};
  operand<shape, shape::columns, order::along_k, V, matrix_source> b{
      {weight[lane], what.outputs, what.inputs, what.inputs, 1}, first_column};
  tile_sums<shape> sums;
  sums.add(a, b, 0, what.inputs);
  sums.each_four([&](unsigned m, unsigned n, const float(&four)[4]) {
    const auto row = first_row + m;
    const auto column = first_column + n;
    if (row >= rows || column >= what.outputs)
      return;
    const auto left = what.outputs - column;
    float result[4];
    for (unsigned i = 0; i < 4; ++i)
      result[i] =
          i < left ? activated(four[i] + bias[lane][column + i], then) : 0.0f;
    write_four(
        out + (what.first(lane) + row) * what.outputs + column, left, result);
  });
}

template <precision P, unsigned V>
__global__ void __launch_bounds__(many_shape<P>::threads) input_gradient_kernel(
    layer what, lane_blocks<const float> weight,
    const float* __restrict__ out_gradient, float* __restrict__ in_gradient) {
  using shape = many_shape<P>;
  const auto lane = blockIdx.z;
  const auto rows = what.rows(lane);
  const auto first_row = blockIdx.x * shape::rows;
  const auto first_column = blockIdx.y * shape::columns;
  if (first_row >= rows)
    return;
  operand<shape, shape::rows, order::along_k, 1, matrix_source> a{
      {out_gradient + what.first(lane) * what.outputs, rows, what.outputs,
          what.outputs, 1},
      first_row};
  operand<shape, shape::columns, order::across_k, V, matrix_source> b{
      {weight[lane], what.inputs, what.outputs, 1, what.inputs}, first_column};
  tile_sums<shape> sums;
  sums.add(a, b, 0, what.outputs);
  sums.each_four([&](unsigned m, unsigned n, const float(&four)[4]) {
    const auto row = first_row + m;
    const auto column = first_column + n;
    if (row < rows && column < what.inputs)
      write_four(in_gradient + (what.first(lane) + row) * what.inputs + column,
          what.inputs - column, four);
  });
}

// With few rows this is the update's time: each weight is read and written
// once, four at a time, and nothing else of that size.
template <precision P, unsigned V>
__global__ void __launch_bounds__(many_shape<P>::threads)
    weight_gradient_kernel(layer what, const float* __restrict__ in,
        const float* __restrict__ out_gradient, lane_sinks sinks) {
  using shape = many_shape<P>;
  const auto lane = blockIdx.z;
  if (rests(what.steps, lane))
    return;
  const auto rows = what.rows(lane);
  const auto first_row = blockIdx.x * shape::rows;
  const auto first_column = blockIdx.y * shape::columns;
  operand<shape, shape::rows, order::across_k, 1, matrix_source> a{
      {out_gradient + what.first(lane) * what.outputs, what.outputs, rows, 1,
          what.outputs},
      first_row};
  operand<shape, shape::columns, order::across_k, V, matrix_source> b{
      {in + what.first(lane) * what.inputs, what.inputs, rows, 1, what.inputs},
      first_column};
  tile_sums<shape> sums;
  sums.add(a, b, 0, rows);
  const auto sink = sinks[lane];
  const auto at = [&](unsigned m, unsigned n) {
    return std::size_t{first_row + m} * what.inputs + first_column + n;
  };
  const auto left = [&](unsigned m, unsigned n) {
    const auto column = first_column + n;
    return first_row + m < what.outputs && column < what.inputs
               ? what.inputs - column
               : 0;
  };
  sums.each_four(
      [&](unsigned m, unsigned n) {
        return sink.template before<V>(at(m, n), left(m, n));
      },
      [&](unsigned m, unsigned n, const float(&four)[4], const auto& before) {
        sink.template put<V>(at(m, n), left(m, n), four, before);
      });
}

layer layer_of(const const_matrix& in, const const_matrix& out,
    std::size_t lanes, const lane_step* steps) {
  assert(in.rows == out.rows && in.rows % lanes == 0);
  check_limit(in.columns, most_elements / std::max<std::size_t>(out.columns, 1),
      "columns of a linear layer's input");
  check_limit(in.rows / lanes,
      most_elements / std::max({in.columns, out.columns, std::size_t{1}}),
      "rows of a lane in a linear layer");
  check_limit(lanes, most_blocks, "lanes of a linear layer");
  return {unsigned(in.columns), unsigned(out.columns),
      unsigned(in.rows / lanes), steps};
}

void input_gradient(device_stream& on, const layer& what, const_lanes weight,
    const_matrix out_gradient, matrix in_gradient) {
  const auto lanes = unsigned(weight.count);
  const auto wide =
      what.inputs % 4 == 0 && aligned(weight) && aligned(in_gradient.data);
  with_operands(on, wide, [&](auto p, auto v) {
    if (what.share <= few_rows)
      launch(on, input_gradient_few_kernel<p, v>,
          {tiles(what.inputs, few_shape<p>::rows), lanes},
          few_shape<p>::threads, what, lane_blocks<const float>{weight},
          out_gradient.data, in_gradient.data);
    else
      launch(on, input_gradient_kernel<p, v>,
          {tiles(what.share, many_shape<p>::rows),
              tiles(what.inputs, many_shape<p>::columns), lanes},
          many_shape<p>::threads, what, lane_blocks<const float>{weight},
          out_gradient.data, in_gradient.data);
  });
}

} // namespace

void linear_forward(device_stream& on, const_matrix in, const_lanes weight,
    const_lanes bias, activation then, matrix out) {
  const auto what = layer_of(in, out, weight.count, weight.steps);
  const auto lanes = unsigned(weight.count);
  if (out.size() == 0)
    return;
  const auto wide = in.columns % 4 == 0 && aligned(weight) && aligned(in.data);
  with_operands(on, wide, [&](auto p, auto v) {
    if (what.share <= few_rows)
      launch(on, forward_few_kernel<p, v>,
          {tiles(what.outputs, few_shape<p>::rows), lanes},
          few_shape<p>::threads, what, in.data,
          lane_blocks<const float>{weight}, lane_blocks<const float>{bias},
          then, out.data);
    else
      launch(on, forward_kernel<p, v>,
          {tiles(what.share, many_shape<p>::rows),
              tiles(what.outputs, many_shape<p>::columns), lanes},
          many_shape<p>::threads, what, in.data,
          lane_blocks<const float>{weight}, lane_blocks<const float>{bias},
          then, out.data);
  });
}

void linear_backward(device_stream& on, const_matrix in, const_lanes weight,
    const_matrix out_gradient, matrix in_gradient, gradient_sink to) {
  auto what = layer_of(in, out_gradient, weight.count, weight.steps);
  const auto lanes = unsigned(to.destination.count);
  assert(lanes == weight.count);
  if (in_gradient.size() > 0)
    input_gradient(on, what, weight, out_gradient, in_gradient);
  if (to.destination.size == 0)
    return;
  const auto wide =
      what.inputs % 4 == 0 && aligned(to.destination) && aligned(in.data);
  with_operands(on, wide, [&](auto p, auto v) {
    launch(on, weight_gradient_kernel<p, v>,
        {tiles(what.outputs, many_shape<p>::rows),
            tiles(what.inputs, many_shape<p>::columns), lanes},
        many_shape<p>::threads, what, in.data, out_gradient.data,
        lane_sinks{to});
  });
}

} // namespace troupe::gpu::cuda
