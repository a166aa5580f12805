#pragma once

#include <set>
#include <utility>
#include <vector>

#include "protocols/state_name.hpp"

namespace troupe::federated {

/// Which states a node keeps of its resident, whose run holds their names alone
/// (`client_states`): that of the last durable version, and those after it.
///
///                   settled                      recalled
///     dropped ◄──────────── before │ durable … kept │ after ────────────►
///     dropped
///                                                   └── left ──► kept
///
/// Names grow. The run goes on from any state since the last durable version:
/// when it resumes, from that one. Where it has the client train from a state,
/// the lease before it has ended, and what came after that state counts in no
/// version, now or later.
///
/// A value; what is dropped may be removed once `take_dropped` names it.
class kept_states {
public:
  kept_states() = default;
  /// Goes on from what is there.
  explicit kept_states(std::set<state_name> found) : kept_(std::move(found)) {}

  /// An update has left this one.
  void left(state_name name) { kept_.insert(name); }
  /// The client is to train from this one. False: it is not here, and nothing
  /// is dropped. Nobody lacks `no_state`.
  bool recalled(state_name name);
  /// This one is in the last durable version; likewise.
  bool settled(state_name name);

  bool holds(state_name name) const {
    return name == no_state || kept_.contains(name);
  }
  const std::set<state_name>& all() const noexcept { return kept_; }
  std::vector<state_name> take_dropped() { return std::exchange(dropped_, {}); }

private:
  using place = std::set<state_name>::const_iterator;
  void drop(place first, place last);

  std::set<state_name> kept_;
  std::vector<state_name> dropped_;
};

} // namespace troupe::federated
