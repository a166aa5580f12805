#include "protocols/placement/allotment.hpp"

#include <cassert>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "gpu/random.hpp"

namespace troupe::placement {

std::vector<share> in_lowest_terms(const std::vector<share>& shares) {
  std::map<gpu::device_kind, std::uint64_t> sums;
  for (const auto& each : shares)
    if (each.slots > 0)
      sums[each.kind] += each.slots;
  std::uint64_t common = 0;
  for (const auto& [kind, slots] : sums)
    common = std::gcd(common, slots);
  std::vector<share> result;
  for (const auto& [kind, slots] : sums)
    result.push_back({kind, slots / common});
  return result;
}

allotment::allotment(std::uint64_t seed, std::vector<share> shares)
    : seed_(seed), shares_(in_lowest_terms(shares)) {
  assert(!shares_.empty() && "somebody has to train");
  std::uint64_t total = 0;
  for (const auto& each : shares_)
    total += each.slots;
  assert(total <= std::numeric_limits<std::uint32_t>::max());
  total_ = static_cast<std::uint32_t>(total);
}

gpu::device_kind allotment::kind_of(client_id client) const noexcept {
  std::uint64_t drawn =
      gpu::random_stream{seed_, gpu::stream::place, client}.below(total_);
  for (const auto& each : shares_) {
    if (drawn < each.slots)
      return each.kind;
    drawn -= each.slots;
  }
  return shares_.back().kind;
}

} // namespace troupe::placement
