#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "gpu/training/dataset.hpp"
#include "protocols/facts.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/placement/allotment.hpp"
#include "runtime/configuration/configuration.hpp"

namespace troupe {

/// What a run's regions are made of.
struct region_plan {
  configuration settled;
  std::vector<compute_slot> slots; ///< that all of them share
  placement::allotment kinds;      ///< of device, by client
  std::size_t depth = 2;           ///< leases in flight a slot, at most
  std::size_t adding = 1;          ///< deltas that may wait at a shard
  facts::run_header header;        ///< of the run
  bool travel = false;             ///< the topmost ones may train at nodes, too
};

/// A run's regions, and all that is below them.
struct spawned_regions {
  std::vector<worker> workers;     ///< what the root leases
  std::vector<compute_slot> homes; ///< of these; where they travel, none
  /// The slots as whoever leases regions sees them: all of them train there.
  std::vector<compute_slot> lanes;
  std::vector<caf::actor> others; ///< to be dismissed with them
  /// Slots that are not back: their threads may never return.
  std::shared_ptr<std::atomic<std::uint64_t>> slots_lost;
};
spawned_regions spawn_regions(caf::actor_system& system, region_plan what,
    std::vector<training::view> data);

/// Samples of what the root leases, by the data of all clients.
std::vector<std::uint64_t> samples_of_regions(
    const configuration& what, const std::vector<training::view>& data);

/// Values of what a region keeps, at most.
std::size_t most_kept_by_regions(
    const configuration& what, std::size_t parameters, std::size_t state);

/// Threads that regions take beside the run's slots; 0: there are none.
std::size_t region_threads(const configuration& what);

/// How many aggregators stand above each other; 1: the root alone.
std::size_t aggregators_deep(const configuration& what);

} // namespace troupe
