#pragma once

#include <cstdint>

#include "gpu/random.hpp"
#include "protocols/clocks/decisions.hpp"

namespace troupe::clocks {

/// Draws the samples of a worker's step: a function of seed, worker and clock,
/// whoever is ahead and however often the worker has died.
inline gpu::random_stream samples_of(
    std::uint64_t seed, worker_id worker, step_id step) noexcept {
  return gpu::random_stream{seed, gpu::stream::step, worker, step};
}

} // namespace troupe::clocks
