#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/lanes.hpp"
#include "gpu/training/learner.hpp"

namespace troupe::training {

/// An assignment as a lane works through it: which samples of the data set, and
/// the steps over them, all known before the first one.
struct schedule {
  std::vector<std::uint32_t> order; ///< samples of the set, pass behind pass
  std::vector<gpu::lane_step> steps;
  std::uint64_t samples = 0; ///< processed, over all epochs
  bool partial = false;      ///< the recipe asks for more
};

/// Samples that a lane takes at a time: the recipe's batch, or parts of it
/// where a batch has more than `most`; at least one.
std::size_t share(const recipe& how, std::size_t most);

/// Whether a step folds into the backward pass, as `gpu::sgd` has it: it needs
/// neither the whole gradient at once, nor parts, nor its client's start.
bool folds(const recipe& how, std::size_t most);

/// The batches of `work` (`batches` has the order) as steps of up to
/// `share(work.how, most)` samples, with the sinks that `folds` asks for; as
/// many as its budget of steps has.
schedule plan(const assignment& work, std::size_t most);

} // namespace troupe::training
