#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/membership/decisions.hpp"
#include "protocols/membership/member.hpp"
#include "protocols/time.hpp"

namespace troupe::membership {

/// What this process is, and whom it lets in.
struct options {
  std::string version{};        ///< of the wire protocol
  std::string configuration{};  ///< its hash
  std::string build{};          ///< empty: any will do
  std::string fingerprint{};    ///< numeric, of the coordinator's CPU
  std::string devices{};        ///< the same of the run's; empty: any will do
  bool any_fingerprint = false; ///< let others in, at the price of the bits
  std::size_t wanted = 1;       ///< ready nodes that make a quorum
  duration silence = std::chrono::seconds{10}; ///< ends a session; 0: never
  duration preparation{};          ///< that a node has to be ready; 0: any
  std::size_t most = 10'000;       ///< live nodes
  std::size_t remembered = 10'000; ///< identities, and sessions, that are gone
};

/// Why this program does not fit the run, if it does not.
std::optional<refusal> misfit(const candidate& who, const options& here);

/// Whether every kind of device in `theirs` computes as it does in `ours`: they
/// name the kinds between bars, and a node may lend fewer.
bool computes_alike(std::string_view theirs, std::string_view ours);

/// Why these devices may not train, if they may not.
std::optional<refusal> mismatch(
    const std::string& name, const ability& what, const options& here);

/// Whether it is sent away to come back as one that computes the run's bits.
std::optional<refusal> lowering(const candidate& who, const options& here);

/// Why it may not go on under the name of `known`, if it may not.
std::optional<refusal> imposture(const candidate& who, const member& known);

/// Of a run that has `most` nodes, or takes none any more.
refusal no_room(const candidate& who, std::size_t most);
refusal too_late(const candidate& who);
/// Its session is over, or was ready before.
refusal not_joining(session_id session);
/// Its connection was somebody's before.
refusal used_session(const candidate& who, const std::string& whose);

} // namespace troupe::membership
