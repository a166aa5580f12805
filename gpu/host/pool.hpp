#pragma once

#include <cstddef>

#include "gpu/host/kernels.hpp"

// Part of the host kernels: see vector_kernels.hpp.
namespace troupe::gpu::host {
namespace {

/// Calls visit(output offset, offset of its window's first pixel, channels) for
/// at most a vector's channels of a pixel at a time.
template <class Vector, class Visit>
void each_window(const pool_job& job, Visit visit) {
  const auto row = job.in_width * job.channels;
  for (std::size_t y = 0; y < job.height; ++y)
    for (std::size_t x = 0; x < job.width; ++x)
      for (std::size_t c = 0; c < job.channels; c += Vector::width) {
        const auto left = job.channels - c;
        visit((y * job.width + x) * job.channels + c,
            y * job.window * row + x * job.window * job.channels + c,
            left < Vector::width ? left : Vector::width);
      }
}

/// Calls visit(offset) for all pixels of the window that starts at `first`.
template <class Visit>
void each_pixel(const pool_job& job, std::size_t first, Visit visit) {
  for (std::size_t y = 0; y < job.window; ++y)
    for (std::size_t x = 0; x < job.window; ++x)
      visit(first + (y * job.in_width + x) * job.channels);
}

template <class Vector>
void max_pool(const pool_job& job) {
  const auto floor = Vector::all(job.floor);
  each_window<Vector>(job, [&](auto to, auto from, auto count) {
    auto largest = Vector::load_part(job.in + from, count);
    each_pixel(job, from, [&](std::size_t at) {
      largest = Vector::larger(largest, Vector::load_part(job.in + at, count));
    });
    Vector::store_part(job.out + to, Vector::at_least(floor, largest), count);
  });
}

template <class Vector>
void max_pool_backward(const pool_job& job) {
  const auto floor = Vector::all(job.floor);
  each_window<Vector>(job, [&](auto from, auto to, auto count) {
    const auto largest = Vector::load_part(job.largest + from, count);
    const auto gradient = Vector::load_part(job.out_gradient + from, count);
    auto open = Vector::above(largest, floor); // not handed to any place yet
    each_pixel(job, to, [&](std::size_t at) {
      const auto here = Vector::both(
          open, Vector::equal(Vector::load_part(job.in + at, count), largest));
      Vector::store_part(
          job.in_gradient + at, Vector::where(here, gradient), count);
      open = Vector::without(open, here);
    });
  });
}

} // namespace
} // namespace troupe::gpu::host
