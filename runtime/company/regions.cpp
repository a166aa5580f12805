#include "runtime/company/regions.hpp"

#include <limits>
#include <numeric>
#include <utility>

#include <caf/actor_cast.hpp>

#include "actors/computing/bench.hpp"
#include "actors/federated/clerk.hpp"
#include "actors/federated/region.hpp"
#include "actors/federated/worker.hpp"
#include "protocols/time.hpp"
#include "runtime/company/slots.hpp"
#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/servers.hpp"

namespace troupe {
namespace {

// A region stores nothing by itself.
constexpr version_id never = std::numeric_limits<version_id>::max();
constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;

/// What one aggregator leases.
struct household {
  client_id first = 0;
  std::vector<worker> workers;
  std::vector<std::uint64_t> samples;
  std::vector<compute_slot> homes; ///< of regions
};

/// Spawns from the leaves up, in the order of the clients' ids.
class builder {
public:
  builder(caf::actor_system& system, region_plan what,
      std::vector<training::view> data)
      : system_(system),
        what_(std::move(what)),
        levels_(levels_of(what_.settled)),
        data_(std::move(data)),
        clients_(data_.size()),
        context_(context_of(what_.settled)) {
    result_.slots_lost = std::make_shared<std::atomic<std::uint64_t>>(0);
    bench_ = system_.spawn<bench_impl>(bench_options{what_.slots, what_.depth});
    clerk_ = system_.spawn<clerk_impl, caf::detached>(
        what_.settled.federation.max_norm);
    keep(bench_);
    keep(clerk_);
    result_.lanes = lanes();
  }

  spawned_regions build() {
    auto top = below(0);
    result_.workers = std::move(top.workers);
    if (!what_.travel)
      result_.homes = std::move(top.homes);
    return std::move(result_);
  }

private:
  template <class Handle>
  void keep(const Handle& who) {
    result_.others.push_back(caf::actor_cast<caf::actor>(who));
  }
  std::vector<compute_slot> lanes() const {
    std::vector<compute_slot> result;
    for (std::uint32_t i = 0; i < what_.slots.size(); ++i)
      result.push_back(
          {caf::actor_cast<compute>(bench_), i, what_.slots[i].kind});
    return result;
  }
  bool is_region(std::size_t depth) const {
    return depth < levels_.all.size() && !levels_.all[depth].sums;
  }

  household below(std::size_t depth) {
    household result;
    if (!is_region(depth))
      return clients();
    const auto& level = levels_.all[depth];
    for (client_id i = 0; i < level.count; ++i) {
      auto own = below(depth + 1);
      result.samples.push_back(std::accumulate(
          own.samples.begin(), own.samples.end(), std::uint64_t{0}));
      auto who = region(i, depth, std::move(own));
      result.workers.push_back(caf::actor_cast<worker>(who));
      result.homes.push_back(
          {caf::actor_cast<compute>(who), 0, what_.slots.front().kind});
    }
    return result;
  }

  household clients() {
    const auto [first, count] =
        clients_of_leaf(leaf_++, levels_.leaves(), clients_);
    household result;
    result.first = static_cast<client_id>(first);
    for (auto i = first; i < first + count; ++i) {
      result.samples.push_back(data_[i].size());
      result.workers.push_back(system_.spawn<worker_impl>(
          static_cast<client_id>(i), std::move(data_[i]), context_));
      keep(result.workers.back());
    }
    return result;
  }

  regional_aggregator region(client_id id, std::size_t depth, household own) {
    const auto& level = levels_.all[depth];
    region_options result;
    result.id = id;
    result.rounds = level.rounds;
    result.server = server_of(level.how);
    result.credit = what_.adding > 1 ? what_.adding : what_.depth;
    result.clerk = clerk_;
    result.like = options(level, depth, own);
    result.who.workers = std::move(own.workers);
    result.who.homes = std::move(own.homes);
    result.slots_lost = result_.slots_lost;
    if (result.who.homes.empty())
      result.who.slots = lanes();
    if (what_.travel && depth == 0) {
      result.here = caf::actor_cast<compute>(bench_);
      result.elsewhere =
          system_.spawn<worker_impl>(id, training::view{}, context_);
      keep(result.elsewhere);
    }
    auto who = system_.spawn<region_impl>(std::move(result));
    keep(who);
    return who;
  }

  // No two draw alike.
  aggregator_options options(
      const level& of, std::size_t depth, const household& own) {
    auto how = of.how;
    how.run.seed = what_.settled.run.seed + golden * ++regions_;
    aggregator_options result;
    result.rule = make_rule(how);
    result.samples = own.samples;
    result.first_client = own.first;
    result.header = what_.header;
    result.header.rule = how.federation.rule;
    result.header.clients = own.workers.size();
    result.header.unit = unit(how);
    result.header.version = result.header.updates = 0;
    result.evaluate_every = 0;
    result.checkpoint_every = never;
    result.depth = what_.depth;
    result.adding = what_.adding;
    result.kinds = what_.kinds;
    result.stop_grace = from_seconds(
        what_.settled.compute.stop_grace *
        static_cast<double>(aggregators_deep(what_.settled) - 1 - depth));
    return result;
  }

  caf::actor_system& system_;
  region_plan what_;
  hierarchy_levels levels_;
  std::vector<training::view> data_;
  std::uint64_t clients_;
  std::shared_ptr<const worker_context> context_;
  bench bench_;
  clerk clerk_;
  std::uint64_t leaf_ = 0;
  std::uint64_t regions_ = 0;
  spawned_regions result_;
};

std::size_t regions_in(const hierarchy_levels& levels) {
  std::size_t result = 0;
  std::size_t wide = 1;
  for (const auto& each : levels.all)
    if (!each.sums)
      result += wide *= each.count;
  return result;
}

} // namespace

spawned_regions spawn_regions(caf::actor_system& system, region_plan what,
    std::vector<training::view> data) {
  return builder{system, std::move(what), std::move(data)}.build();
}

std::vector<std::uint64_t> samples_of_regions(
    const configuration& what, const std::vector<training::view>& data) {
  const auto levels = levels_of(what);
  const auto leaves = levels.leaves();
  const auto top = levels.all.front().count;
  std::vector<std::uint64_t> result(top);
  for (std::uint64_t leaf = 0; leaf < leaves; ++leaf) {
    const auto [first, count] = clients_of_leaf(leaf, leaves, data.size());
    for (auto i = first; i < first + count; ++i)
      result[leaf / (leaves / top)] += data[i].size();
  }
  return result;
}

// A rule remembers a few numbers a client, and a lease or two.
std::size_t most_kept_by_regions(
    const configuration& what, std::size_t parameters, std::size_t state) {
  constexpr std::size_t of_a_rule = 16384;
  constexpr std::size_t of_a_client = 64;
  std::size_t below = 0;
  const auto levels = levels_of(what).all;
  for (auto each = levels.rbegin(); each != levels.rend(); ++each) {
    const auto clients = each->how.federation.clients;
    const auto client = below > 0 ? below : state;
    below = of_a_rule + clients * (of_a_client + client) +
            blocks_kept(each->how) * parameters;
  }
  return below;
}

std::size_t region_threads(const configuration& what) {
  if (!leases_regions(what))
    return 0;
  return 1 + regions_in(levels_of(what)); // a clerk, and a shard each
}

std::size_t aggregators_deep(const configuration& what) {
  std::size_t result = 1;
  for (const auto& each : levels_of(what).all)
    result += each.sums ? 0 : 1;
  return result;
}

} // namespace troupe
