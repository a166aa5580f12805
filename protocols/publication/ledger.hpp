#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "gpu/aggregation/accumulator.hpp"
#include "protocols/ids.hpp"

namespace troupe::publication {

/// What the shards of a model were given, and what they have.
///
/// A contribution counts in all shards or in none: it is judged once, here, by
/// its largest magnitude. Each shard's accumulator keeps the same totals as
/// this one, of a part of the values, so that a largest magnitude there is at
/// most the one here, and so is a reach: no shard refuses what was admitted.
///
/// A mixed contribution is (base + delta) - current in float. Rounding to
/// nearest moves a sum away from its base by no more than the delta again, so
/// that its magnitude is at most twice the delta's, and the way from the base
/// to the current version: the sum of the versions' largest steps.
///
/// A value: knows no actor, and adds up nothing but these few numbers.
class ledger {
public:
  ledger() = default;
  /// Begins with this version of the parameters. Contributions go to one of
  /// the edges each, of as many shards.
  explicit ledger(
      std::size_t shards, version_id version = 0, std::size_t edges = 1)
      : shards_(shards),
        edges_(edges, line{std::vector<std::uint64_t>(shards), {}, {}}),
        version_(version) {}

  /// The largest magnitude that is mixed with the current version, at most, by
  /// the delta's. Of a base that is 65,536 versions behind nothing is known:
  /// that cannot be summed.
  float mixed(float largest, version_id base) const noexcept;
  /// Of a base before the version that it began with, that one lies so far at
  /// most from it.
  void begins_beyond(version_id base, float way);
  /// Whether values up to `largest` can be summed at this weight and share, or
  /// less: `added`, or why not.
  gpu::admission admission_of(float largest, double weight) const noexcept;
  /// It was admitted, and goes to every shard of this edge.
  void give(float largest, double weight, double share, std::size_t edge = 0);
  /// So many more are in at one shard, with these checksums of its part; those
  /// of edge e begin at e times as many as there are. The checksums of those
  /// that every shard has by now, in the order in which they were given; each
  /// is told once.
  std::vector<std::uint64_t> added(
      shard_id shard, std::span<const std::uint64_t> checksums);
  /// Contributions that not every shard has yet.
  std::uint64_t missing() const noexcept { return given_ - told_; }

  /// The shards round what they have, and begin anew.
  void round() noexcept;
  /// One of them has summed up that much, and its parameters moved by up to
  /// `step`. True: it was the last one, and the next version is the current
  /// one.
  bool rounded(
      shard_id shard, float step, const gpu::sum_total& sum = {}) noexcept;
  /// Of the current version: what all shards have summed up.
  const gpu::sum_total& sum() const noexcept { return sum_; }
  /// What was given since the last version is forgotten.
  void discard() noexcept { totals_ = {}; }

private:
  /// How far the parameters have moved, at most, by the largest of them.
  /// Multiples of 2^-10.
  using distance = std::uint64_t;

  static distance measured(float step) noexcept;
  double way_from(version_id base) const noexcept;

  struct state {
    bool rounding = false;
  };
  /// What was given there, in its order.
  struct line {
    std::vector<std::uint64_t> added;   ///< by shard, so far
    std::deque<std::uint64_t> partial;  ///< checksums that some shards lack
    std::deque<std::uint64_t> complete; ///< and those that wait to be told
  };

  static std::uint64_t least_added(const line& at) noexcept;
  std::vector<std::uint64_t> take_told();

  std::vector<state> shards_{1};
  std::vector<line> edges_{{{0}, {}, {}}};
  std::uint64_t given_ = 0;
  std::uint64_t told_ = 0;
  std::deque<std::uint32_t> untold_; ///< their edges, in order; not of one
  gpu::accumulator_totals totals_;   ///< of the version that is open
  gpu::sum_total sum_;
  version_id version_ = 0;
  std::deque<distance> travelled_{0}; ///< since the first, to the last versions
  distance step_ = 0;                 ///< of the version that is being rounded
  std::map<version_id, distance> before_; ///< to the version it began with
};

} // namespace troupe::publication
