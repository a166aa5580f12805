#pragma once

#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include "protocols/facts.hpp"
#include "protocols/local.hpp"
#include "protocols/type_ids.hpp"

// Append-only.
CAF_BEGIN_TYPE_ID_BLOCK(troupe_observer, troupe::type_id_block(0))
CAF_ADD_TYPE_ID(troupe_observer, (troupe::fact_batch))
CAF_END_TYPE_ID_BLOCK(troupe_observer)

namespace troupe {

template <class Inspector>
bool inspect(Inspector& f, fact_batch&) {
  return refuse_to_serialise(f, "troupe::fact_batch");
}

/// Hears every fact, in order, soon after it happened: the scribe, the metrics,
/// the progress line. A run depends on none but the scribe.
using observer = caf::typed_actor<caf::result<void>(fact_batch)>;

} // namespace troupe
