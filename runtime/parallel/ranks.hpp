#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <caf/actor_system.hpp>

#include "protocols/parallel/meeting_room.hpp"
#include "protocols/parallel/messages.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/topology.hpp"

namespace troupe::parallel {

/// A process's ranks, and the threads that they compute on, which end soon
/// after them.
struct spawned_ranks {
  std::vector<rank_actor> ranks;
  std::vector<executor> threads;
};

/// So many, which meet others in `room` and answer `whom`. Devices take them in
/// turn. `settled` has the run's plan.
spawned_ranks spawn_ranks(caf::actor_system& system, const topology& what,
    const configuration& settled, const device_choice& on, std::size_t count,
    const std::shared_ptr<meeting_room>& room, const rank_sink& whom);

/// Of that many ranks here: what each of them computes on, in that order.
std::vector<gpu::device_kind> kinds_of_ranks(
    const device_choice& on, std::size_t count);

} // namespace troupe::parallel
