#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "protocols/membership/member.hpp"

namespace troupe::membership {

/// What a rule shows of its members at one moment.
struct picture {
  std::vector<member> all;

  const member* named(const std::string& name) const {
    const auto found = std::ranges::find(all, name, &member::name);
    return found != all.end() ? &*found : nullptr;
  }

  /// None for a session that is over.
  const member* with(session_id session) const {
    const auto found = std::ranges::find_if(all,
        [=](const member& x) { return is_live(x.at) && x.session == session; });
    return found != all.end() ? &*found : nullptr;
  }

  std::string free_name() const {
    for (int i = 1;; ++i)
      if (auto name = "node-" + std::to_string(i); !named(name))
        return name;
  }

  std::size_t count(state at) const {
    return std::size_t(std::ranges::count(all, at, &member::at));
  }

  std::size_t live() const {
    return all.size() - count(state::left) - count(state::lost);
  }

  friend bool operator==(const picture&, const picture&) = default;
};

} // namespace troupe::membership
