#pragma once

#include <cassert>
#include <cstddef>

#include "gpu/tensor.hpp"

namespace troupe::gpu::host {

/// Calls `work(lane, first, count)` for each lane that does not rest, with the
/// rows of `of` that it has in this step. Each sample has `rows` of them.
template <class T, class Work>
void each_lane(const basic_lanes<T>& all, const const_matrix& of, Work&& work,
    std::size_t rows = 1) {
  assert(of.rows % (all.count * rows) == 0 && "lanes have equal shares");
  const auto samples = of.rows / (all.count * rows);
  for (std::size_t i = 0; i < all.count; ++i) {
    const auto here = all.rows(i, samples);
    assert(here <= samples);
    if (here > 0 || all.steps == nullptr)
      work(i, i * samples * rows, here * rows);
  }
}

} // namespace troupe::gpu::host
