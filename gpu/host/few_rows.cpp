#include "gpu/host/few_rows.hpp"

#include "gpu/host/kernels.hpp"

#include <algorithm>
#include <limits>

namespace troupe::gpu::host {
namespace {

/// Weights that stay in the second-level cache between two uses.
constexpr std::size_t block_size = std::size_t{1} << 17;

constexpr auto no_floor = -std::numeric_limits<float>::infinity();

std::ptrdiff_t distance(std::size_t x) {
  return static_cast<std::ptrdiff_t>(x);
}

std::size_t block_rows(const const_matrix& weight) {
  return std::max<std::size_t>(16, block_size / weight.columns);
}

/// Calls visit(first, columns) for all columns, as many at a time as tiles
/// take.
template <class Visit>
void each_strip(std::size_t columns, Visit visit) {
  const auto widest = 2 * best_kernels().width;
  for (std::size_t first = 0; first < columns; first += widest)
    visit(first, std::min(widest, columns - first));
}

/// in_gradient += the part of out_gradient that begins at `gradient` * weights.
void add_input_gradient(const const_matrix& weights, const float* gradient,
    std::size_t gradient_row, const matrix& in_gradient) {
  const auto inputs = distance(weights.columns);
  each_strip(weights.columns, [&](std::size_t first, std::size_t columns) {
    run({.a = gradient,
            .a_row = distance(gradient_row),
            .a_step = 1,
            .b = weights.data + first,
            .b_row = inputs,
            .length = weights.rows,
            .start = in_gradient.data + first,
            .start_row = inputs,
            .c = in_gradient.data + first,
            .c_row = inputs,
            .columns = columns,
            .floor = no_floor},
        in_gradient.rows);
  });
}

/// The gradient by the rows of weights that `to` is for.
void weight_gradient(const const_matrix& in, const float* gradient,
    std::size_t gradient_row, const gradient_sink& to) {
  const auto inputs = distance(in.columns);
  const auto fresh = to.beta == 0.0f;
  each_strip(in.columns, [&](std::size_t first, std::size_t columns) {
    auto* into = to.destination.data + first;
    run({.a = gradient,
            .a_row = 1,
            .a_step = distance(gradient_row),
            .b = in.data + first,
            .b_row = inputs,
            .length = in.rows,
            .start = fresh ? zeroes : into,
            .start_row = fresh ? 0 : inputs,
            .c = into,
            .c_row = inputs,
            .columns = columns,
            .factor = to.alpha,
            .start_factor = to.beta,
            .floor = no_floor},
        to.destination.size / in.columns);
  });
}

} // namespace

void forward_few(const_matrix in, const_matrix weight,
    std::span<const float> bias, float floor, matrix out) {
  const auto most = block_rows(weight);
  for (std::size_t first = 0; first < weight.rows; first += most)
    run({.a = in.data,
            .a_row = distance(in.columns),
            .b = weight.data + first * weight.columns,
            .b_row = distance(weight.columns),
            .depth = in.columns,
            .bias = bias.data() + first,
            .c = out.data + first,
            .c_row = distance(out.columns),
            .columns = std::min(most, weight.rows - first),
            .floor = floor},
        in.rows);
}

void backward_few(const_matrix in, const_matrix weight,
    const_matrix out_gradient, matrix in_gradient, gradient_sink to) {
  std::ranges::fill(in_gradient.span(), 0.0f);
  const auto most = block_rows(weight);
  for (std::size_t first = 0; first < weight.rows; first += most) {
    const auto block = weight.slice(first, std::min(most, weight.rows - first));
    const auto* gradient = out_gradient.data + first;
    if (in_gradient.rows > 0)
      add_input_gradient(block, gradient, weight.rows, in_gradient);
    weight_gradient(in, gradient, weight.rows,
        to.part(first * weight.columns, block.size()));
  }
}

} // namespace troupe::gpu::host
