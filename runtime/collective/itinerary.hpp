#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/collective/sums.hpp"
#include "protocols/collective/schedule.hpp"

namespace troupe::collective {

/// One rank's steps of a schedule, with what each has to wait for: earlier
/// steps on the same elements. A step may follow another one element by
/// element, so that a sum's first part is on its way while its last part comes.
///
/// Joins of one round and range are a *meeting*: they are made together, in the
/// order of the tree.
struct itinerary {
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct stop {
    step what;
    std::vector<std::uint32_t> behind; ///< steps, by their numbers
    std::uint32_t meeting = none;
    /// Another step of its peer is in the same meeting: what comes for it is
    /// kept whole until all is there.
    bool kept_whole = false;
  };

  /// Terms are numbered: the block itself, if it takes part, and the steps.
  struct meeting {
    range part;
    std::vector<std::uint32_t> steps; ///< by term; `none`: the block
    std::vector<std::int32_t> order;  ///< as in gpu::sum_order
  };

  std::vector<stop> stops;
  std::vector<meeting> meetings;
  /// By peer: the steps that send to it, and that receive from it, in order.
  std::vector<std::vector<std::uint32_t>> out;
  std::vector<std::vector<std::uint32_t>> in;
};

itinerary itinerary_of(const schedule& all, std::uint32_t rank);

} // namespace troupe::collective
