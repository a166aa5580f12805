#pragma once

#include <cstddef>

namespace troupe::gpu::host {

/// A product c = a * b + start of some rows and columns, whose `a` is read
/// where it lies: element (row, segment, k) of `a` is at
///   a[row * a_row + segment * a_segment + k * a_step]
/// and it is multiplied by the columns at b[segment * b_segment + k * b_row].
/// With an image for `a`, overlapping windows make this a convolution.
/// Distances are in elements. Each result sums segment by segment, in order.
struct tile_job {
  const float* a = nullptr;
  std::ptrdiff_t a_row = 0;
  std::ptrdiff_t a_segment = 0;
  std::ptrdiff_t a_step = 0;
  const float* b = nullptr;
  std::ptrdiff_t b_segment = 0;
  std::ptrdiff_t b_row = 0;
  std::size_t segments = 0;
  std::size_t length = 0; ///< k's in a segment
  const float* start = nullptr;
  std::ptrdiff_t start_row = 0;
  float* c = nullptr;
  std::ptrdiff_t c_row = 0;
  std::size_t columns = 0; ///< at most 2 vectors
  float floor = 0.0f;      ///< smaller results become this; NaN stays
};

/// The host's inner loops for one instruction set.
struct kernels {
  std::size_t width = 0; ///< floats in a vector
  /// Most rows of a tile that is one vector wide, and two.
  std::size_t most_rows[2] = {};
  /// Does `rows` rows, at most what the columns allow.
  void (*tile)(const tile_job& job, std::size_t rows) = nullptr;
};

/// Those of `instructions()`.
const kernels& best_kernels() noexcept;

} // namespace troupe::gpu::host
