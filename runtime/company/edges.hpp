#pragma once

#include <cstddef>
#include <vector>

#include <caf/actor_system.hpp>

#include "gpu/aggregation/server_step.hpp"
#include "protocols/federated/edge.hpp"
#include "protocols/interfaces.hpp"
#include "runtime/configuration/configuration.hpp"

namespace troupe {

struct edge_plan {
  std::size_t parameters = 0;
  gpu::server_options server;
  std::size_t shards = 1;
  std::uint64_t credit = 1;
  aggregator report_to;
};

/// A run's edges that only sum; nothing where it has none.
struct spawned_edges {
  std::vector<std::vector<adder>> lowest; ///< by edge and shard: clients' own
  std::vector<std::vector<edge_shard>> highest; ///< by shard: of the root
  std::vector<edge_id> edge_of;                 ///< by client
  std::vector<edge_shard> all;
};
spawned_edges spawn_edges(
    caf::actor_system& system, const configuration& what, const edge_plan& how);

/// Threads that they take.
std::size_t edge_threads(const configuration& what);

} // namespace troupe
