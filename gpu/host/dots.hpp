#pragma once

#include <cstddef>
#include <utility>

#include "gpu/host/kernels.hpp"

// Part of the host kernels: see vector_kernels.hpp.
namespace troupe::gpu::host {
namespace {

/// R rows of `a` with N of `b`, from column `first` of the result on.
template <class Vector, std::size_t R, std::size_t N>
void some_dots(const dots_job& job, std::size_t first) {
  using vec = typename Vector::vec;
  const auto* b = job.b + static_cast<std::ptrdiff_t>(first) * job.b_row;
  vec sums[R][N];
#pragma GCC unroll 32
  for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (std::size_t n = 0; n < N; ++n)
      sums[r][n] = Vector::all(0.0f);
  const auto add = [&](auto load, std::size_t k) {
    vec rows[R];
#pragma GCC unroll 32
    for (std::size_t r = 0; r < R; ++r)
      rows[r] = load(job.a + static_cast<std::ptrdiff_t>(r) * job.a_row + k);
#pragma GCC unroll 4
    for (std::size_t n = 0; n < N; ++n) {
      const auto column =
          load(b + static_cast<std::ptrdiff_t>(n) * job.b_row + k);
#pragma GCC unroll 32
      for (std::size_t r = 0; r < R; ++r)
        sums[r][n] = Vector::multiply_add(rows[r], column, sums[r][n]);
    }
  };
  std::size_t k = 0;
  for (; k + Vector::width <= job.depth; k += Vector::width)
    add([](const float* from) { return Vector::load(from); }, k);
  if (k < job.depth)
    add(
        [&](const float* from) {
          return Vector::load_part(from, job.depth - k);
        },
        k);
#pragma GCC unroll 32
  for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (std::size_t n = 0; n < N; ++n) {
      const auto sum = Vector::sum(sums[r][n]) + job.bias[first + n];
      job.c[static_cast<std::ptrdiff_t>(r) * job.c_row +
            static_cast<std::ptrdiff_t>(first + n)] =
          sum < job.floor ? job.floor : sum;
    }
}

/// Rows of `b` that go together.
template <class Vector>
constexpr std::size_t dots_columns = Vector::registers >= 32 ? 4 : 2;

/// Rows whose sums and elements fit the registers beside one of `b`.
template <class Vector>
constexpr std::size_t most_dots_rows = (Vector::registers - 1) /
                                       (dots_columns<Vector> + 1);

template <class Vector, std::size_t R>
void dots(const dots_job& job) {
  std::size_t first = 0;
  for (; first + dots_columns<Vector> <= job.columns;
       first += dots_columns<Vector>)
    some_dots<Vector, R, dots_columns<Vector>>(job, first);
  for (; first < job.columns; ++first)
    some_dots<Vector, R, 1>(job, first);
}

template <class Vector, class Rows>
struct all_dots;
template <class Vector, std::size_t... R>
struct all_dots<Vector, std::index_sequence<R...>> {
  static constexpr void (*of_rows[])(const dots_job&) = {
      &dots<Vector, R + 1>...};
};

template <class Vector>
void any_dots(const dots_job& job, std::size_t rows) {
  using table =
      all_dots<Vector, std::make_index_sequence<most_dots_rows<Vector>>>;
  table::of_rows[rows - 1](job);
}

} // namespace
} // namespace troupe::gpu::host
