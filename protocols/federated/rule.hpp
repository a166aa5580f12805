#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"

namespace troupe::federated {

/// Decides who trains, whose update counts with which weight, and when a
/// version is published. One interface for synchronous and asynchronous rules:
///
///     begin ──► grants ──► arrive | fail | requeue | wake ──► ... publish
///       ▲                                                        │
///       └──────────────────── published ◄── (the shard rounds) ──┘
///
/// A value: copy it, compare what it decides, save it with `inspect` when a
/// version is published. Knows no clock, thread, actor or file: `now` is an
/// argument. Every event appends to `decisions`, which the caller empties.
using rule = std::variant<fedavg, fedbuff>;

inline const char* name(const rule& r) {
  return std::holds_alternative<fedavg>(r) ? "fedavg" : "fedbuff";
}

} // namespace troupe::federated
