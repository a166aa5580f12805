#pragma once

#include <cstdint>

namespace troupe::federated {

/// Where a rule is in its life.
///
///     idle ──begin──► collecting ──► publishing ──published──┐
///                        ▲  │  └──────────► ended ◄──────────┤
///                        └──┴────────────────────────────────┘
///
/// While collecting, at least one lease is out: every event that leaves none
/// publishes, skips the round or ends the run. That is why nothing stalls.
enum class phase : std::uint8_t { idle, collecting, publishing, ended };

} // namespace troupe::federated
