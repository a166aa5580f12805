#pragma once

#include <map>
#include <optional>

#include "protocols/ids.hpp"
#include "protocols/state_table.hpp"

namespace troupe::federated {

/// What becomes of the states that clients keep between their leases.
///
///               offered              accepted              published
///     counted ───────────► trains ───────────► awaited ───────────► counted
///       ▲  ▲                 │                    │
///       │  └─ fails, lost, ──┘                    │
///       │     dropped, refused                    │
///       └──────────────── its round is skipped ───┘
///
/// A state counts where its update was accepted and the version that took it is
/// out. A client has one lease at a time, so that its states follow one on the
/// other; but an asynchronous rule may lease it again while its update awaits a
/// version. It trains on from what it left then: its next state is built on one
/// that may be taken back. An update of such a lease does not count
/// (`holds`), and its client gets another one.
///
/// Whoever accepts an update has found that it can be summed: what a rule
/// retracts is never told here. A crash loses what was awaited, as it loses the
/// open version. A value: the counted states are what lasts.
class client_states {
public:
  client_states() = default;
  /// Goes on from those of a version.
  explicit client_states(state_table counted) : counted_(std::move(counted)) {}

  /// What goes with a lease of this client, its only one; null: it has no state
  /// yet.
  tensor offered(lease_id lease, client_id client);
  /// What this lease was offered was not taken back since.
  bool holds(lease_id lease, client_id client) const noexcept;
  /// The client's update was accepted and left it this state; null: it keeps
  /// none.
  void accepted(client_id client, tensor state);
  /// What was accepted since the last version counts in none.
  void discard();
  /// What was accepted since the last version is in one.
  void published();

  /// Of the last version.
  const state_table& counted() const noexcept { return counted_; }

private:
  struct waiting {
    tensor state;
    std::optional<lease_id> offered_to{};
  };

  state_table counted_;
  std::map<client_id, waiting> awaited_; ///< the last one of each
  std::map<client_id, lease_id> void_;   ///< what they were offered is no more
};

} // namespace troupe::federated
