#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include "protocols/interfaces.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/topology.hpp"

namespace troupe {

struct worker_context;

/// Threads of CAF's own in a process of Troupe: its scheduler's, and a few.
std::size_t actor_threads();
/// Sets what every process of Troupe sets.
void configure_actors(caf::actor_system_config& what);

/// Threads that the slots of these devices take.
std::size_t compute_threads(const topology& what, const device_choice& on);
/// One for each slot, device by device. The slots of a GPU are lanes of one
/// actor, unless the user's own learner is to be trained: then each is an actor
/// with a learner, as on a CPU. `settled` has the run's recipe.
std::vector<compute_slot> spawn_slots(caf::actor_system& system,
    const topology& what, const configuration& settled,
    const device_choice& on);
/// What all clients of a run have in common.
std::shared_ptr<const worker_context> context_of(const configuration& settled);
/// One for each client from `first` on, with its data.
std::vector<worker> spawn_workers(caf::actor_system& system,
    const configuration& settled, std::vector<training::view> data,
    client_id first = 0);

} // namespace troupe
