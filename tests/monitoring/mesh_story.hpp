#pragma once

#include "tests/monitoring/story.hpp"

namespace troupe::monitoring {

/// What a mesh of so many ranks begins with.
inline facts::run_header mesh_start(std::uint64_t ranks = 2) {
  return {.name = "mlp",
      .rule = "all_reduce",
      .fingerprint = "cpu/openblas/haswell",
      .seed = 1,
      .parameters = 199210,
      .slots = ranks,
      .rounds = 300,
      .unit = "step",
      .batch = 64};
}

/// Steps of a tenth of a second, of which ranks compute three quarters.
inline facts::stepped stepped(
    std::uint64_t first, std::uint64_t last, std::uint64_t ranks = 2) {
  const auto steps = last - first;
  return {.first = first,
      .last = last,
      .epoch = 1,
      .ranks = ranks,
      .samples = 64 * steps,
      .loss = 0.75,
      .seconds = 0.1 * static_cast<double>(steps),
      .computing = 0.075 * static_cast<double>(steps),
      .bytes = 1000 * steps};
}

inline facts::rank_lost rank_lost(std::uint64_t rank, std::uint64_t step) {
  return {.epoch = 1, .rank = rank, .step = step, .why = "it has died"};
}

inline facts::mesh_formed formed_anew(std::uint64_t ranks, std::uint64_t step) {
  return {.epoch = 2,
      .ranks = ranks,
      .step = step,
      .seconds = 0.03,
      .nodes = "this process: 1",
      .why = "it has died"};
}

} // namespace troupe::monitoring
