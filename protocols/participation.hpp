#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/local.hpp"

// Who takes part changes while a run goes on: clients enrol and leave, slots
// are lent and withdrawn.

namespace troupe {

/// To the aggregator: this client is there, and may be leased from the rule's
/// next decision on. Enrolling again corrects its number of samples; with
/// another worker it has left first, and what it was leased is void.
///
/// A resident has an identity. It trains at slots that are lent for it alone,
/// and what it keeps between its leases stays where they are.
struct enrol {
  client_id client = 0;
  std::uint64_t samples = 0;
  worker who;
  std::string identity{}; ///< empty: it is no resident
  std::string key{};      ///< that the identity goes by
  resident home{};        ///< `who`, where it is one
};

/// To the aggregator: this client is gone; what it was leased is void.
struct leave {
  client_id client = 0;
};

/// To the aggregator: more slots to train and score at. Answered with the id of
/// the first one; the others follow it.
struct lend {
  std::vector<compute_slot> what;
  std::optional<client_id> only_for{}; ///< a resident; nothing is scored there
};

/// To the aggregator: a slot is needed elsewhere. It finishes what it has, and
/// a fact says when it has left.
struct withdraw {
  slot_id slot = 0;
};

/// Aggregator to evaluator: these may score, beside those that there are.
struct slots_lent {
  std::vector<compute_slot> what;
  bool scores = true; ///< else they only have numbers
};

template <class Inspector>
bool inspect(Inspector& f, enrol&) {
  return refuse_to_serialise(f, "troupe::enrol");
}
template <class Inspector>
bool inspect(Inspector& f, leave& x) {
  return f.object(x).fields(f.field("client", x.client));
}
template <class Inspector>
bool inspect(Inspector& f, lend&) {
  return refuse_to_serialise(f, "troupe::lend");
}
template <class Inspector>
bool inspect(Inspector& f, withdraw& x) {
  return f.object(x).fields(f.field("slot", x.slot));
}
template <class Inspector>
bool inspect(Inspector& f, slots_lent&) {
  return refuse_to_serialise(f, "troupe::slots_lent");
}

} // namespace troupe
