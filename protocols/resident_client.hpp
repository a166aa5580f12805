#pragma once

#include <string>

#include "protocols/ids.hpp"

namespace troupe {

/// Which client of a run an identity is, for as long as the run lasts.
struct resident_client {
  client_id client = 0;
  std::string identity{};
  std::string key{}; ///< of its certificate; empty: it came in the clear

  friend bool operator==(
      const resident_client&, const resident_client&) = default;
};

template <class Inspector>
bool inspect(Inspector& f, resident_client& x) {
  return f.object(x).fields(f.field("client", x.client),
      f.field("identity", x.identity), f.field("key", x.key));
}

} // namespace troupe
