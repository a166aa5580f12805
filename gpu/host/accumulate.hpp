#pragma once

#include <cstring>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/host/kernels.hpp"

// Part of the host kernels: see vector_kernels.hpp. Integers have the same sums
// in any vector; four doubles are one where a processor has it, and else two.
namespace troupe::gpu::host {
namespace {

using four_doubles = double __attribute__((vector_size(32)));
using four_integers = std::uint64_t __attribute__((vector_size(32)));
using four_floats = float __attribute__((vector_size(16)));
using four_words = std::int32_t __attribute__((vector_size(16)));

// Hardware alone does not keep up with three streams across page borders.
constexpr std::size_t prefetch_distance = 256;
constexpr std::size_t sums_in_line = rows_at_once / 2;

// By reference: as a result a vector would have another way back by set.
template <class Vector>
void load(Vector& into, const void* from) {
  std::memcpy(&into, from, sizeof into);
}

inline linear_checksum::row_sums row_sums_of(
    const four_integers& once, const four_integers& twice) {
  linear_checksum::row_sums result;
  std::memcpy(result.once.data(), &once, sizeof once);
  std::memcpy(result.twice.data(), &twice, sizeof twice);
  return result;
}

inline std::int32_t largest_of(const four_words& x) {
  std::int32_t result = 0;
  for (int k = 0; k < 4; ++k)
    result = x[k] > result ? x[k] : result;
  return result;
}

accumulated accumulate(const accumulate_job& job) {
  using namespace fixed_point;
  const auto scale = four_doubles{} + job.scaled_weight;
  four_words most{};
  four_integers once{}, twice{};
  auto* sums = job.sums;
  const auto* values = job.values;
  const auto* next = job.next;
  for (std::size_t i = 0; i < job.count; i += rows_at_once) {
    __builtin_prefetch(sums + i + prefetch_distance, 1);
    __builtin_prefetch(sums + i + prefetch_distance + sums_in_line, 1);
    __builtin_prefetch(next + i + prefetch_distance);
    for (auto j = i; j < i + rows_at_once; j += 4) {
      four_floats value;
      four_integers added, sum;
      four_words size;
      load(value, values + j);
      const auto rounded =
          scale * __builtin_convertvector(value, four_doubles) + magic;
      load(added, &rounded);
      added -= static_cast<std::uint64_t>(magic_bits);
      load(sum, sums + j);
      sum += added;
      std::memcpy(sums + j, &sum, sizeof sum);
      once += added;
      twice += once;
      load(size, next + j);
      size &= magnitude_mask;
      most = size > most ? size : most;
    }
  }
  return {largest_of(most), row_sums_of(once, twice)};
}

linear_checksum::row_sums sum_rows(
    const std::int64_t* values, std::size_t count) {
  four_integers once{}, twice{}, value;
  for (std::size_t i = 0; i < count; i += 4) {
    load(value, values + i);
    once += value;
    twice += once;
  }
  return row_sums_of(once, twice);
}

} // namespace
} // namespace troupe::gpu::host
