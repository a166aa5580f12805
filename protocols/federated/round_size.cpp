#include "protocols/federated/round_size.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::federated {

// As a decimal fraction is meant: 1.1 times 100 are 110, and not 111.
round_size size_of_round(
    std::uint64_t all, double fraction, double over_select) noexcept {
  constexpr auto exactly = 1.0 - 0x1p-50;
  const auto part = std::llround(fraction * static_cast<double>(all));
  const auto wanted = static_cast<std::uint64_t>(std::max(part, 1LL));
  const auto many =
      std::ceil(static_cast<double>(wanted) * over_select * exactly);
  const auto leased =
      many < static_cast<double>(all) ? static_cast<std::uint64_t>(many) : all;
  return {wanted, std::max(wanted, leased)};
}

} // namespace troupe::federated
