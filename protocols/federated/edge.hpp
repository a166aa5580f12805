#pragma once

#include <cstdint>
#include <memory>

#include <caf/result.hpp>
#include <caf/typed_actor.hpp>

#include "gpu/aggregation/accumulator.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"
#include "protocols/type_ids.hpp"

// Edges only sum: whoever trains hands in at the edge, and the edge hands in
// its sums once a version. Sums are exact, so that the bits are those of one.

namespace troupe {

using edge_id = std::uint32_t; ///< a part of the clients, 0 to edges - 1

/// Shard to edge: what is in since you were last asked.
struct hand_in {
  version_id version = 0;
};

/// Its answer; null: nothing is.
struct handed_in {
  std::shared_ptr<const gpu::accumulator> sums{};
  std::shared_ptr<const gpu::accumulator> drift{}; ///< of the server's variate
};

template <class Inspector>
bool inspect(Inspector& f, hand_in&) {
  return refuse_to_serialise(f, "troupe::hand_in");
}
template <class Inspector>
bool inspect(Inspector& f, handed_in&) {
  return refuse_to_serialise(f, "troupe::handed_in");
}

} // namespace troupe

// Append-only.
CAF_BEGIN_TYPE_ID_BLOCK(troupe_edges, troupe::type_id_block(9))
CAF_ADD_TYPE_ID(troupe_edges, (troupe::hand_in))
CAF_ADD_TYPE_ID(troupe_edges, (troupe::handed_in))
CAF_END_TYPE_ID_BLOCK(troupe_edges)

namespace troupe {

/// Takes contributions of some clients to a range of the model.
using adder = caf::typed_actor< //
    caf::result<void>(add),     //
    caf::result<void>(discard)>;

/// Sums them up for a shard.
using edge_shard = adder::extend<    //
    caf::result<handed_in>(hand_in), //
    caf::result<void>(tick)>;

} // namespace troupe
