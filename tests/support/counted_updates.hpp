#pragma once

#include <cstdint>
#include <map>
#include <variant>
#include <vector>

#include "protocols/facts.hpp"

namespace troupe::tests {

/// By these facts, which hold: how many updates of each client are in versions
/// up to `last`. Clients of which there is none are left out.
inline std::map<client_id, std::uint64_t> counted_updates(
    const std::vector<fact>& facts, version_id last = ~version_id{0}) {
  std::map<client_id, std::uint64_t> counted, open;
  for (const auto& f : facts) {
    if (auto* x = std::get_if<facts::accepted>(&f.what))
      ++open[x->client];
    else if (std::holds_alternative<facts::round_skipped>(f.what))
      open.clear();
    else if (auto* y = std::get_if<facts::published>(&f.what)) {
      if (y->version > last)
        break;
      for (auto [client, updates] : std::exchange(open, {}))
        counted[client] += updates;
    }
  }
  return counted;
}

} // namespace troupe::tests
