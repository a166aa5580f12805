#pragma once

#include <cstddef>
#include <cstdint>

#include "gpu/aggregation/linear_checksum.hpp"
#include "gpu/operators/steps.hpp"

namespace troupe::gpu::host {

// Distances between elements are counted in elements throughout.

/// As many as the widest tile has columns, at least.
inline constexpr float zeroes[64] = {};

/// A product of some rows and columns,
///   c = at_least(floor, factor * (a * b) + start_factor * start),
/// whose `a` is read where it lies: element (row, segment, k) of `a` is at
///   a[row * a_row + segment * a_segment + k * a_step]
/// and is multiplied by the columns at b[segment * b_segment + k * b_row].
/// With an image for `a`, overlapping windows make this a convolution. Each
/// element sums segment by segment, in order.
struct tile_job {
  const float* a = nullptr;
  std::ptrdiff_t a_row = 0;
  std::ptrdiff_t a_segment = 0;
  std::ptrdiff_t a_step = 0;
  const float* b = nullptr;
  std::ptrdiff_t b_segment = 0;
  std::ptrdiff_t b_row = 0;
  std::size_t segments = 1;
  std::size_t length = 0; ///< k's in a segment
  const float* start = zeroes;
  std::ptrdiff_t start_row = 0;
  float* c = nullptr;
  std::ptrdiff_t c_row = 0;
  std::size_t columns = 0; ///< at most two vectors
  float factor = 1.0f;
  float start_factor = 1.0f;
  float floor = 0.0f; ///< smaller results become this; NaN stays
};

/// c = at_least(floor, a * b^T + bias), where rows of `a` and of `b` are
/// contiguous and so are the columns of `c`, one for each row of `b`.
struct dots_job {
  const float* a = nullptr;
  std::ptrdiff_t a_row = 0;
  const float* b = nullptr;
  std::ptrdiff_t b_row = 0;
  std::size_t depth = 0; ///< elements of a row
  const float* bias = nullptr;
  float* c = nullptr;
  std::ptrdiff_t c_row = 0;
  std::size_t columns = 0;
  float floor = 0.0f;
};

/// One image, channels last: out = at_least(floor, the largest of each window).
/// Backward hands each gradient to the first place that holds the largest,
/// and to none where the output is the floor.
struct pool_job {
  const float* in = nullptr;
  std::size_t in_width = 0;
  std::size_t channels = 0;
  std::size_t window = 0;
  std::size_t height = 0; ///< of the output
  std::size_t width = 0;
  float floor = 0.0f;
  float* out = nullptr;
  const float* largest = nullptr; ///< what was written to `out`
  const float* out_gradient = nullptr;
  float* in_gradient = nullptr; ///< whole windows of it are written
};

/// to += from, row by row.
struct add_job {
  const float* from = nullptr;
  std::ptrdiff_t from_row = 0;
  float* to = nullptr;
  std::ptrdiff_t to_row = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
};

/// Values that one step of `accumulate` takes: a cache line of floats.
inline constexpr std::size_t rows_at_once = 16;

/// sums[i] += round(scaled_weight * values[i]), as `gpu::accumulator` has it;
/// and the largest magnitude of as many values that are `next`, which may be
/// the same ones. `count` is a multiple of `rows_at_once`.
struct accumulate_job {
  std::int64_t* sums = nullptr;
  const float* values = nullptr;
  const float* next = nullptr;
  std::size_t count = 0;
  double scaled_weight = 0.0;
};

struct accumulated {
  std::int32_t largest = 0; ///< of `next`, as bits
  linear_checksum::row_sums added;
};

/// A step over `count` values, as gpu/operators/steps.hpp has it. No velocity:
/// none is kept.
struct sgd_job {
  sgd_step how;
  const float* gradient = nullptr;
  float* velocity = nullptr;
  float* parameters = nullptr;
  std::size_t count = 0;
};

struct adamw_job {
  adamw_step how;
  const float* gradient = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  float* parameters = nullptr;
  std::size_t count = 0;
};

/// The host's inner loops for one instruction set.
struct kernels {
  std::size_t width = 0; ///< floats in a vector
  /// Most rows of a tile that is one vector wide, and two.
  std::size_t most_tile_rows[2] = {};
  std::size_t most_dots_rows = 0;
  void (*tile)(const tile_job& job, std::size_t rows) = nullptr;
  void (*dots)(const dots_job& job, std::size_t rows) = nullptr;
  void (*add_rows)(const add_job& job) = nullptr;
  void (*max_pool)(const pool_job& job) = nullptr;
  void (*max_pool_backward)(const pool_job& job) = nullptr;
  accumulated (*accumulate)(const accumulate_job& job) = nullptr;
  /// Of a multiple of four integers.
  linear_checksum::row_sums (*sum_rows)(
      const std::int64_t* values, std::size_t count) = nullptr;
  void (*sgd)(const sgd_job& job) = nullptr;
  void (*adamw)(const adamw_job& job) = nullptr;
};

/// Those of `instructions()`.
const kernels& best_kernels() noexcept;

/// Do jobs of any number of rows, in pieces of about the same size.
void run(tile_job job, std::size_t rows);
void run(dots_job job, std::size_t rows);

} // namespace troupe::gpu::host
