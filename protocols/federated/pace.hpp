#pragma once

#include <cstdint>

#include "gpu/training/recipe.hpp"
#include "protocols/federated/decisions.hpp"
#include "protocols/time.hpp"

namespace troupe::federated {

/// How long leases take on a virtual clock: the samples that a client passes
/// through its model, at its speed. Speeds are log-normal around the median,
/// drawn once a client, and of clients in a row a part is slower yet; each
/// lease of one varies likewise, by its version. A function of the seed, the
/// client and the version, and of nothing else.
struct pace {
  std::uint64_t seed = 1;
  double samples_per_second = 1000.0; ///< of the median client
  double spread = 0.0;   ///< of speeds: the deviation of their logarithm
  double jitter = 0.0;   ///< likewise, of one client's leases
  double slow = 0.0;     ///< part of the clients that are slower yet
  double slow_by = 10.0; ///< so many times
  training::recipe work;

  /// Of a lease, for a client of so many samples; at least a nanosecond.
  duration of(const grant& what, std::uint64_t samples) const;
  /// What fits into its time, of a lease that is granted now: its steps where
  /// they are fewer than all, at least one; 0: all of them.
  std::uint64_t steps_in_time(
      const grant& what, std::uint64_t samples, instant now) const;
  /// Samples a second of this client, before any jitter.
  double speed(client_id client) const;
  bool is_slow(client_id client) const;
  double lease_speed(const grant& what) const;
};

} // namespace troupe::federated
