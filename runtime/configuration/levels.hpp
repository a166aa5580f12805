#pragma once

#include "runtime/configuration/configuration.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One level of a hierarchy, below the root: as many regions under each one
/// above, all alike.
struct level {
  std::uint64_t count = 1;
  std::uint64_t rounds = 1; ///< of its own, under each lease
  bool sums = false;        ///< edges, that only sum: they have no rule
  /// What a region of it goes by: its own [federation], whose clients are those
  /// that the largest one has, or the regions below.
  configuration how;
};

/// The levels that a configuration has below its root, from there down, and
/// what is wrong with how it names them, one line each. As text a level is
///
///     "4: rule=fedavg fraction=0.5 rounds=2"
///
/// its count, and keys of [federation] that it goes by, with their defaults;
/// and how many rounds it makes under a lease, one if it does not say.
/// `rule=none` are edges that only sum: whoever is above them draws and weighs
/// the clients below.
struct hierarchy_levels {
  std::vector<level> all;
  std::vector<std::string> problems;

  /// What the root leases are regions, not clients.
  bool leases_regions() const noexcept {
    return !all.empty() && !all.front().sums;
  }
  /// Regions that have clients below them, not regions; 0: there are none.
  std::uint64_t leaves() const noexcept;
  /// Edges under each one that has a rule; 0: there are none.
  std::uint64_t edges() const noexcept;
};
hierarchy_levels levels_of(const configuration& what);

/// How many the root leases: clients, or the regions right below it.
std::uint64_t leased(const configuration& what);
/// The same of whoever a configuration without regions is of.
bool leases_regions(const configuration& what);

/// In a few words: "in 4 regions by fedavg"; nothing of a run without any.
std::string hierarchy_text(const configuration& what);

/// The part of `clients` that is that of one leaf among `leaves`: they are
/// divided evenly, in the order of their ids.
struct id_range {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};
id_range clients_of_leaf(
    std::uint64_t leaf, std::uint64_t leaves, std::uint64_t clients) noexcept;

} // namespace troupe
