#include "runtime/company/edges.hpp"

#include "actors/federated/edge.hpp"
#include "runtime/configuration/levels.hpp"

namespace troupe {
namespace {

using edge_shards = std::vector<edge_shard>;

// Of one shard, from the lowest edges up.
edge_shards spawn_above(caf::actor_system& system, const edge_plan& how,
    shard_id shard, std::uint64_t count, const edge_shards& below) {
  edge_shards result;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto each = below.size() / count;
    const auto first = below.begin() + static_cast<std::ptrdiff_t>(i * each);
    result.push_back(system.spawn<edge_impl, caf::detached>(
        edge_options{how.parameters, how.server, how.credit, how.report_to,
            shard, how.shards, static_cast<edge_id>(i),
            {first, first + static_cast<std::ptrdiff_t>(each)}}));
  }
  return result;
}

} // namespace

spawned_edges spawn_edges(caf::actor_system& system, const configuration& what,
    const edge_plan& how) {
  spawned_edges result;
  const auto levels = levels_of(what);
  const auto edges = levels.edges();
  if (edges == 0 || levels.leases_regions())
    return result;
  result.lowest.resize(edges);
  for (shard_id i = 0; i < how.shards; ++i) {
    auto count = edges;
    auto now = spawn_above(system, how, i, count, {});
    for (std::size_t e = 0; e < edges; ++e)
      result.lowest[e].push_back(now[e]);
    result.all.insert(result.all.end(), now.begin(), now.end());
    for (auto each = levels.all.rbegin(); std::next(each) != levels.all.rend();
         ++each) {
      count /= each->count;
      now = spawn_above(system, how, i, count, now);
      result.all.insert(result.all.end(), now.begin(), now.end());
    }
    result.highest.push_back(std::move(now));
  }
  for (std::uint64_t e = 0; e < edges; ++e)
    result.edge_of.insert(result.edge_of.end(),
        clients_of_leaf(e, edges, what.federation.clients).count,
        static_cast<edge_id>(e));
  return result;
}

std::size_t edge_threads(const configuration& what) {
  const auto levels = levels_of(what);
  if (levels.leases_regions())
    return 0;
  std::size_t result = 0;
  std::size_t wide = 1;
  for (const auto& each : levels.all)
    result += wide *= each.count;
  return result * what.federation.shards;
}

} // namespace troupe
