#pragma once

#include "protocols/parallel/plan.hpp"
#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/rules.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// What [parallel] and [optimiser] of a mesh come to, and how people are told.

inline constexpr std::uint64_t mesh_evaluates_every = 100; ///< steps
inline constexpr std::uint64_t mesh_checkpoints_every = 500;

/// What optimisers of this kind take for a rate where none is given.
double usual_rate(std::string_view kind);

/// As ranks are told it. `what` is a mesh without contradictions; keys that its
/// choices make no use of have a plan's own defaults.
parallel::plan plan_of(const configuration& what);

/// A mesh whose bits do not depend on how many ranks it has, nor on what a sum
/// goes by.
bool bits_without_ranks(const configuration& what);

/// Whether a seed repeats this mesh with as many ranks.
bool ranks_repeat_by_seed(const configuration& what);

/// Tells `found("parallel.batch", why)` of keys that contradict each other.
void check_mesh(const configuration& what, const rule_row::findings& found);

/// "all_reduce by ring, zero 1, canonical".
std::string agreement(const configuration& what);
/// "64 samples in 8 micro-batches".
std::string step_size(const configuration& what);
/// "adamw, rate 0.0003, 100 steps of warmup, cosine to 0".
std::string descent(const configuration& what);

/// Bytes of this process if all ranks are here: for each a model, a gradient
/// and what the sync and the optimiser keep, as far as it is not sharded.
double mesh_memory(double parameters, const configuration& what);

} // namespace troupe
