#pragma once

#include <cstdint>
#include <vector>

#include "protocols/federated/decisions.hpp"

namespace troupe::federated {

/// Federated averaging, synchronous rounds (McMahan et al. 2017, Algorithm 1).
/// A round leases max(1, round(fraction x eligible clients)) clients drawn from
/// (seed, round); weights are fixed then, n_k / n over the cohort (or 1/m); it
/// publishes when every lease of the round has ended and at least min_updates
/// were accepted, and is skipped otherwise.
class fedavg {
public:
  fedavg() = default;
  fedavg(settings common, double fraction);

  /// A client is there and may be leased; or is gone, its lease with it.
  void join(
      client_id client, std::uint64_t samples, instant now, decisions& out);
  void leave(client_id client, instant now, decisions& out);

  /// Starts, or starts again behind a restored state: leases that were out
  /// then are void. `incarnation` counts starts of the run from 0.
  void begin(std::uint64_t incarnation, instant now, decisions& out);
  /// An update came in; `now` is its time of arrival.
  verdict arrive(const arrival& update, instant now, decisions& out);
  /// The client failed this lease.
  void fail(lease_id lease, instant now, decisions& out);
  /// The lease was lost through no fault of its client: lease it again.
  void requeue(lease_id lease, instant now, decisions& out);
  /// An accepted update turned out to be unusable; it does not count.
  void retract(lease_id lease, instant now, decisions& out);
  /// The version asked for by `decisions::publish` is out.
  void published(instant now, decisions& out);
  /// The time of `decisions::wake` has come.
  void wake(instant now, decisions& out);

  version_id version() const noexcept;
  std::uint64_t round() const noexcept;
  std::uint64_t accepted() const noexcept;    ///< in published versions
  std::uint64_t outstanding() const noexcept; ///< leases out now
  const settings& common() const noexcept;
  /// Extends the run; never shortens it below what is done.
  void rounds(std::uint64_t total) noexcept;
};

} // namespace troupe::federated
