#pragma once

#include <cstdint>

#include <caf/byte_buffer.hpp>
#include <caf/result.hpp>
#include <caf/typed_actor.hpp>

#include "protocols/blocks.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"
#include "protocols/observer.hpp"
#include "protocols/state_table.hpp"
#include "protocols/tensor.hpp"
#include "protocols/type_ids.hpp"

// A region is a client whose training is a run: of its own rule, over its own
// clients, for a few rounds, from the version that it was leased.

namespace troupe {

/// What a region keeps between its leases: to whoever leases it, the state of
/// a client, committed with the version that took its update.
struct region_memory {
  version_id version = 0;    ///< its own, that it has made
  std::uint64_t updates = 0; ///< in these
  caf::byte_buffer rule;     ///< its state; empty: it has not begun
  named_blocks blocks{};     ///< that its server keeps
  state_table states{};      ///< that its clients keep
};

/// Region to clerk: what is in this state?
struct unpack {
  tensor state;
};

/// Region to clerk: what becomes of a lease. Answered with `packed`.
struct pack {
  tensor trained; ///< parameters
  tensor base;
  region_memory what;
};
struct packed {
  tensor delta;
  float largest = 0.0f; ///< |delta|
  bool too_large = false;
  tensor state;
};

template <class Inspector>
bool inspect(Inspector& f, region_memory&) {
  return refuse_to_serialise(f, "troupe::region_memory");
}
template <class Inspector>
bool inspect(Inspector& f, unpack&) {
  return refuse_to_serialise(f, "troupe::unpack");
}
template <class Inspector>
bool inspect(Inspector& f, pack&) {
  return refuse_to_serialise(f, "troupe::pack");
}
template <class Inspector>
bool inspect(Inspector& f, packed&) {
  return refuse_to_serialise(f, "troupe::packed");
}

} // namespace troupe

// Append-only.
CAF_BEGIN_TYPE_ID_BLOCK(troupe_regions, troupe::type_id_block(8))
CAF_ADD_TYPE_ID(troupe_regions, (troupe::region_memory))
CAF_ADD_TYPE_ID(troupe_regions, (troupe::unpack))
CAF_ADD_TYPE_ID(troupe_regions, (troupe::pack))
CAF_ADD_TYPE_ID(troupe_regions, (troupe::packed))
CAF_END_TYPE_ID_BLOCK(troupe_regions)

namespace troupe {

/// Computes for regions: a compute actor.
using clerk = caf::typed_actor<         //
    caf::result<region_memory>(unpack), //
    caf::result<packed>(pack)>;

/// A client to whoever leases it, the slot that this client trains at, and the
/// scribe of its own aggregator.
using regional_aggregator = caf::typed_actor< //
    caf::result<void>(seated_offer),          //
    caf::result<void>(revoke),                //
    caf::result<void>(train_task),            //
    caf::result<void>(evaluate_task),         //
    caf::result<void>(fact_batch),            //
    caf::result<void>(store),                 //
    caf::result<void>(seal),                  //
    caf::result<void>(tick)>;

/// A run's slots, shared by its regions.
using bench = caf::typed_actor<       //
    caf::result<void>(train_task),    //
    caf::result<void>(evaluate_task), //
    caf::result<void>(update),        //
    caf::result<void>(failure),       //
    caf::result<void>(tick)>;

} // namespace troupe
