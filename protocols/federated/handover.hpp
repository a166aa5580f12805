#pragma once

#include <concepts>
#include <cstdint>

#include "protocols/federated/decisions.hpp"
#include "protocols/federated/lease_book.hpp"
#include "protocols/ids.hpp"

namespace troupe::federated {

/// What a rule leaves to the one that takes its place between two versions.
struct handover {
  version_id version = 0;     ///< that was asked for, and is being made
  std::uint64_t rounds = 0;   ///< published or skipped
  std::uint64_t accepted = 0; ///< into versions
  lease_book leases;          ///< open ones, too; its ids go on
};

/// A rule that can be followed by another one, and follow it, while a version
/// is made:
///
///     old: collecting ──► publishing ──hand_over──► (gone)
///     new: idle ──join*──take_over──► publishing ──published──► collecting
///
/// - `hand_over()`: what it leaves. It holds nothing in its buffer then.
/// - `take_over(what, out)`: instead of `begin`, once all clients that are
///   there have joined: goes on from there. An open lease either goes on, and
///   its update counts as this rule counts it, or stands in `out.revoked`.
template <class R>
concept succeeds = requires(R& r, const R& c, handover what, decisions& out) {
  { c.hand_over() } -> std::same_as<handover>;
  r.take_over(std::move(what), out);
};

} // namespace troupe::federated
