#pragma once

#include <cstddef>
#include <utility>

#include "gpu/host/kernels.hpp"

// The host's inner loops, written once for every instruction set. A source file
// that is compiled for one set includes this and instantiates it with `Vector`:
// vec, width, registers, load, load_part, store, store_part, broadcast,
// multiply_add, at_least. All of it stays inside that file's translation unit.
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
  for (std::size_t r = 0; r < R; ++r)
    for (std::size_t n = 0; n < N; ++n)
      sums[r][n] = load(job.start + std::ptrdiff_t(r) * job.start_row, n);
  for (std::size_t segment = 0; segment < job.segments; ++segment) {
    const auto* a = job.a + std::ptrdiff_t(segment) * job.a_segment;
    const auto* b = job.b + std::ptrdiff_t(segment) * job.b_segment;
    for (std::size_t k = 0; k < job.length; ++k) {
      vec columns[N];
      for (std::size_t n = 0; n < N; ++n)
        columns[n] = load(b, n);
      for (std::size_t r = 0; r < R; ++r) {
        const auto row = Vector::broadcast(a + std::ptrdiff_t(r) * job.a_row);
        for (std::size_t n = 0; n < N; ++n)
          sums[r][n] = Vector::multiply_add(row, columns[n], sums[r][n]);
      }
      a += job.a_step;
      b += job.b_row;
    }
  }
  for (std::size_t r = 0; r < R; ++r) {
    auto* c = job.c + std::ptrdiff_t(r) * job.c_row;
    for (std::size_t n = 0; n + 1 < N; ++n)
      Vector::store(
          c + n * Vector::width, Vector::at_least(job.floor, sums[r][n]));
    Vector::store_part(c + (N - 1) * Vector::width,
        Vector::at_least(job.floor, sums[r][N - 1]), last);
  }
}

/// Rows whose sums fit the registers beside N columns and one row's element.
template <class Vector, std::size_t N>
constexpr std::size_t most_rows = (Vector::registers - N - 1) / N;

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
      tiles<Vector, 1, std::make_index_sequence<most_rows<Vector, 1>>>;
  using wide = tiles<Vector, 2, std::make_index_sequence<most_rows<Vector, 2>>>;
  if (job.columns <= Vector::width)
    narrow::of_rows[rows - 1](job);
  else
    wide::of_rows[rows - 1](job);
}

template <class Vector>
constexpr kernels make_kernels() {
  return {.width = Vector::width,
      .most_rows = {most_rows<Vector, 1>, most_rows<Vector, 2>},
      .tile = &any_tile<Vector>};
}

} // namespace
} // namespace troupe::gpu::host
