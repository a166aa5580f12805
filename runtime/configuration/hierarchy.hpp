#pragma once

#include "gpu/aggregation/server_step.hpp"

#include <any>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A root with its rule, and levels of regions below it.
struct hierarchy {
  std::any rule;                    ///< the root's, by its options
  std::vector<std::string> regions; ///< as federation.regions has them
};

/// So many regions, each an aggregator of its own, with its own rule, over a
/// part of the clients; to whoever is above them they are clients:
///
///     topology.aggregator(region{4, fedavg{}}.under(fedbuff{.buffer = 4}))
///
/// Regions of regions: `region{2, region{4, fedavg{}}.under(fedavg{})}`.
class region {
public:
  template <class Rule>
  region(std::uint64_t count, const Rule& rule)
      : region(count, std::any{rule}) {}
  region(std::uint64_t count, std::any rule);
  region(std::uint64_t count, hierarchy below);

  /// Of its own, under each lease; or versions.
  region& rounds(std::uint64_t count);
  /// What becomes of the mean of its clients' updates.
  region& server(const gpu::server_options& how);

  template <class Rule>
  hierarchy under(const Rule& rule) const {
    return under(std::any{rule});
  }
  hierarchy under(std::any rule) const;

private:
  std::uint64_t count_;
  std::any rule_;
  std::uint64_t rounds_ = 1;
  gpu::server_options server_;
  std::vector<std::string> below_;
};

/// So many edges that only sum: the rule above them draws and weighs their
/// clients, and gets one sum from each edge instead of every update. The bits
/// are those of a run without them.
class edge {
public:
  explicit edge(std::uint64_t count) : count_(count) {}
  template <class Rule>
  hierarchy under(const Rule& rule) const {
    return under(std::any{rule});
  }
  hierarchy under(std::any rule) const;

private:
  std::uint64_t count_;
};

} // namespace troupe
