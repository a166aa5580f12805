#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gpu/optimisers/optimiser.hpp"
#include "protocols/collective/algorithm.hpp"

namespace troupe::parallel {

/// How ranks that minimise one sum of losses agree.
enum class sync : std::uint8_t {
  all_reduce,       ///< on each step's gradient, among themselves
  parameter_server, ///< on it, through shards that have the parameters
  local_sgd,        ///< on their parameters, every so many steps (Stich 2019)
  diloco,           ///< likewise, as a gradient of an outer optimiser
                    ///< (Douillard et al. 2023)
  gossip,           ///< on their parameters, two by two (Boyd et al. 2006;
                    ///< Lian et al. 2017)
};
inline constexpr std::uint8_t syncs = 5;
const char* to_string(sync how) noexcept;
std::optional<sync> sync_named(std::string_view name) noexcept;

/// Who meets whom in gossip.
enum class pairing : std::uint8_t {
  ring,   ///< a neighbour, to the left and to the right in turn
  random, ///< drawn anew for every step
};

/// How a step is made and agreed on: the same at every rank of a run.
struct plan {
  std::uint32_t workers = 1; ///< ranks that a run is to have
  sync how = sync::all_reduce;
  std::uint64_t batch = 64;        ///< samples of a step, over all ranks
  std::uint32_t micro_batches = 8; ///< that a batch is cut into, alike
  std::optional<collective::algorithm> by{}; ///< none: what suits
  /// A micro-batch's gradient is whole, and all of them are added along one
  /// tree (`collective/canonical.hpp`): the same bits for any number of ranks.
  /// Else a rank adds its own as they come.
  bool canonical = true;
  std::uint32_t zero = 0;  ///< 0, 1, 2, 3: what is sharded (Rajbhandari 2020)
  std::uint64_t every = 1; ///< local_sgd, diloco: steps between agreements
  pairing pairs = pairing::ring; ///< gossip
  float outer_lr = 0.7f;         ///< diloco
  float outer_momentum = 0.9f;   ///< diloco, Nesterov's
  std::uint32_t shards = 1;      ///< parameter_server
  /// parameter_server: steps that a rank may be ahead of the slowest; none: any
  /// number.
  std::optional<std::uint64_t> staleness = 0;
  gpu::optimiser_options optimiser{};
  std::uint64_t seed = 1;

  /// Members of a group of its ranks that are shards, the last ones.
  std::uint32_t servers() const noexcept {
    return how == sync::parameter_server ? shards : 0;
  }
  /// No rank has all that training goes on from.
  bool sharded() const noexcept { return zero > 0 || servers() > 0; }
  /// What every rank has at the end of a step is the same.
  bool lockstep() const noexcept {
    return how == sync::all_reduce ||
           (how == sync::parameter_server && staleness == std::uint64_t{0});
  }
  friend bool operator==(const plan&, const plan&) = default;
};

/// The micro-batches [first, first + size) of each step that a rank makes: they
/// lie together, and ranks differ by one at most.
struct share {
  std::uint32_t first = 0;
  std::uint32_t size = 0;
};
share share_of(
    std::uint32_t micro_batches, std::uint32_t ranks, std::uint32_t rank);

} // namespace troupe::parallel
