#include "monitoring/recoveries.hpp"

#include <algorithm>

namespace troupe::monitoring {

void recoveries::requeued(client_id client, instant at) {
  open_[at].missing.insert(client);
}

std::optional<duration> recoveries::leased(client_id client, instant at) {
  for (auto it = open_.begin(); it != open_.end(); ++it) {
    auto& [since, lost] = *it;
    if (lost.missing.erase(client) == 0)
      continue;
    lost.took = at - since;
    return close(it);
  }
  return std::nullopt;
}

std::optional<duration> recoveries::gone(client_id client) {
  for (auto it = open_.begin(); it != open_.end(); ++it)
    if (it->second.missing.erase(client) > 0)
      return close(it);
  return std::nullopt;
}

std::optional<duration> recoveries::round_over() {
  std::optional<duration> longest;
  for (const auto& [since, lost] : open_)
    if (lost.took)
      longest = std::max(longest.value_or(*lost.took), *lost.took);
  open_.clear();
  return longest;
}

std::optional<duration> recoveries::close(
    std::map<instant, loss>::iterator which) {
  if (!which->second.missing.empty())
    return std::nullopt;
  const auto took = which->second.took;
  open_.erase(which);
  return took;
}

} // namespace troupe::monitoring
