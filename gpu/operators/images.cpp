#include "gpu/operators/images.hpp"

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

/// Transposes each row of `in`, a `rows` x `columns` matrix.
void transpose_each(
    std::size_t rows, std::size_t columns, const_matrix in, matrix out) {
  assert(in.columns == rows * columns && in.size() == out.size());
  for (std::size_t i = 0; i < in.rows; ++i) {
    const auto* from = in.data + i * in.columns;
    auto* to = out.data + i * in.columns;
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t column = 0; column < columns; ++column)
        to[column * rows + row] = from[row * columns + column];
  }
}

} // namespace

void channels_first(
    device_stream& on, const extents& sample, const_matrix in, matrix out) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::transpose_each(
          on, sample.height * sample.width, sample.channels, in, out);
  transpose_each(sample.height * sample.width, sample.channels, in, out);
}

void channels_last(
    device_stream& on, const extents& sample, const_matrix in, matrix out) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::transpose_each(
          on, sample.channels, sample.height * sample.width, in, out);
  transpose_each(sample.channels, sample.height * sample.width, in, out);
}

} // namespace troupe::gpu
