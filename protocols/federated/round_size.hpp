#pragma once

#include <cstdint>

namespace troupe::federated {

/// How many updates close a synchronous round, and how many clients are leased
/// for it.
struct round_size {
  std::uint64_t wanted = 0;
  std::uint64_t leased = 0; ///< no fewer
};

/// Of a round where `all` clients may be leased: it wants max(1, round(fraction
/// x all)), and leases ceil(wanted x over_select) of them, or all. `fraction`
/// in (0, 1], `over_select` from 1 up.
round_size size_of_round(
    std::uint64_t all, double fraction, double over_select) noexcept;

} // namespace troupe::federated
