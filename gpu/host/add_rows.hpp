#pragma once

#include <cstddef>

#include "gpu/host/kernels.hpp"

// Part of the host kernels: see vector_kernels.hpp.
namespace troupe::gpu::host {
namespace {

template <class Vector>
void add_rows(const add_job& job) {
  for (std::size_t first = 0; first < job.columns; first += Vector::width) {
    const auto left = job.columns - first;
    const auto count = left < Vector::width ? left : Vector::width;
    const auto* from = job.from + first;
    auto* to = job.to + first;
    for (std::size_t row = 0; row < job.rows; ++row) {
      const auto sum = Vector::add(
          Vector::load_part(to, count), Vector::load_part(from, count));
      Vector::store_part(to, sum, count);
      from += job.from_row;
      to += job.to_row;
    }
  }
}

} // namespace
} // namespace troupe::gpu::host
