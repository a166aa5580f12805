#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "protocols/membership/decisions.hpp"
#include "protocols/membership/member.hpp"
#include "protocols/time.hpp"

namespace troupe::membership {

/// What this process is, and whom it lets in.
struct options {
  std::string version{};        ///< of the wire protocol
  std::string configuration{};  ///< its hash
  std::string fingerprint{};    ///< numeric
  bool any_fingerprint = false; ///< let others in, at the price of the bits
  std::size_t wanted = 1;       ///< ready nodes that make a quorum
  duration silence = std::chrono::seconds{10}; ///< ends a session; 0: never
  std::size_t most = 10'000;                   ///< live nodes
  std::size_t remembered = 10'000; ///< identities, and sessions, that are gone
};

/// Why this program does not fit the run, if it does not.
std::optional<refusal> misfit(const candidate& who, const options& here);

/// Why it may not go on under the name of `known`, if it may not.
std::optional<refusal> imposture(const candidate& who, const member& known);

/// Of a run that has `most` nodes, or takes none any more.
refusal no_room(const candidate& who, std::size_t most);
refusal too_late(const candidate& who);
/// Its connection was somebody's before.
refusal used_session(const candidate& who, const std::string& whose);

} // namespace troupe::membership
