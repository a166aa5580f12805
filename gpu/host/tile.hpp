#pragma once

#include <cstddef>
#include <utility>

#include "gpu/host/kernels.hpp"

// Part of the host kernels: see vector_kernels.hpp.
namespace troupe::gpu::host {
namespace {

/// R rows of N vectors, in registers from the first product to the last.
template <class Vector, std::size_t R, std::size_t N>
void tile(const tile_job& job) {
  using vec = typename Vector::vec;
  const auto last = job.columns - (N - 1) * Vector::width;
  const auto load = [&](const float* from, std::size_t n) {
    return n + 1 < N ? Vector::load(from + n * Vector::width)
                     : Vector::load_part(from + n * Vector::width, last);
  };
  vec sums[R][N];
#pragma GCC unroll 32
  for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (std::size_t n = 0; n < N; ++n)
      sums[r][n] = Vector::all(0.0f);
  if (job.start_row != 0)
#pragma GCC unroll 32
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 2
      for (std::size_t n = 0; n < N; ++n)
        __builtin_prefetch(job.start +
                           static_cast<std::ptrdiff_t>(r) * job.start_row +
                           n * Vector::width);
  for (std::size_t segment = 0; segment < job.segments; ++segment) {
    const auto* a =
        job.a + static_cast<std::ptrdiff_t>(segment) * job.a_segment;
    const auto* b =
        job.b + static_cast<std::ptrdiff_t>(segment) * job.b_segment;
    for (std::size_t k = 0; k < job.length; ++k) {
      vec columns[N];
#pragma GCC unroll 2
      for (std::size_t n = 0; n < N; ++n)
        columns[n] = load(b, n);
#pragma GCC unroll 32
      for (std::size_t r = 0; r < R; ++r) {
        const auto row =
            Vector::all(a[static_cast<std::ptrdiff_t>(r) * job.a_row]);
#pragma GCC unroll 2
        for (std::size_t n = 0; n < N; ++n)
          sums[r][n] = Vector::multiply_add(row, columns[n], sums[r][n]);
      }
      a += job.a_step;
      b += job.b_row;
    }
  }
  const auto factor = Vector::all(job.factor);
  const auto start_factor = Vector::all(job.start_factor);
  const auto floor = Vector::all(job.floor);
#pragma GCC unroll 32
  for (std::size_t r = 0; r < R; ++r) {
    const auto* start =
        job.start + static_cast<std::ptrdiff_t>(r) * job.start_row;
    auto* c = job.c + static_cast<std::ptrdiff_t>(r) * job.c_row;
#pragma GCC unroll 2
    for (std::size_t n = 0; n < N; ++n) {
      const auto sum = Vector::multiply_add(
          factor, sums[r][n], Vector::multiply(start_factor, load(start, n)));
      const auto result = Vector::at_least(floor, sum);
      if (n + 1 < N)
        Vector::store(c + n * Vector::width, result);
      else
        Vector::store_part(c + n * Vector::width, result, last);
    }
  }
}

/// Rows whose sums fit the registers beside N columns and one row's element.
template <class Vector, std::size_t N>
constexpr std::size_t most_tile_rows = (Vector::registers - N - 1) / N;

// A plain array: what the standard library's would instantiate could be taken
// for other files, which must not have this file's instructions.
template <class Vector, std::size_t N, class Rows>
struct tiles;
template <class Vector, std::size_t N, std::size_t... R>
struct tiles<Vector, N, std::index_sequence<R...>> {
  static constexpr void (*of_rows[])(const tile_job&) = {
      &tile<Vector, R + 1, N>...};
};

template <class Vector>
void any_tile(const tile_job& job, std::size_t rows) {
  using narrow =
      tiles<Vector, 1, std::make_index_sequence<most_tile_rows<Vector, 1>>>;
  using wide =
      tiles<Vector, 2, std::make_index_sequence<most_tile_rows<Vector, 2>>>;
  if (job.columns <= Vector::width)
    narrow::of_rows[rows - 1](job);
  else
    wide::of_rows[rows - 1](job);
}

} // namespace
} // namespace troupe::gpu::host
