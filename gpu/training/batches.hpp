#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/random.hpp"
#include "gpu/training/recipe.hpp"

namespace troupe::training {

/// The order in which local training takes a client's samples. Each pass over
/// them shuffles the order of the pass before, the first that of the data, and
/// cuts it into batches; the last one of a pass may be smaller. There are as
/// many passes as the recipe has epochs, or as its steps need.
class batches {
public:
  batches(std::size_t samples, const recipe& how, gpu::random_stream random);

  /// The samples of the next batch, by their number; empty after the last.
  /// Valid until the next call.
  std::span<const std::uint32_t> next();

private:
  std::vector<std::uint32_t> order_;
  gpu::random_stream random_;
  std::size_t batch_;
  std::size_t at_ = 0;     // in the present pass
  std::uint64_t left_ = 0; // batches
};

} // namespace troupe::training
