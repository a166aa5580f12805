#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "protocols/collective/messages.hpp"

namespace troupe::tests {

/// What one rank brings to one operation, and what it should have afterwards,
/// by plain loops. Values are whole numbers, small enough for exact sums.
struct part {
  std::shared_ptr<std::vector<float>> in;
  std::shared_ptr<std::vector<float>> out;
  std::vector<float> expected; ///< of `out`

  collective::perform order(
      const collective::order& what, const collective::user& reply_to) const;
};

/// Rank `rank` of `size`; `salt` makes values differ between operations.
part part_of(const collective::signature& what, std::uint32_t rank,
    std::uint32_t size, std::uint64_t salt);

/// One operation of every kind that so many ranks can do.
std::vector<collective::signature> every_kind(
    std::uint32_t size, std::uint64_t count);

} // namespace troupe::tests
