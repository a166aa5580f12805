#pragma once

#include <cstdint>

namespace troupe::federated {

/// Where a rule is in its life.
///
///     idle ──begin──► collecting ──► publishing ──published──┐
///                      ▲ ▲  │  └──────────► ended ◄──────────┤
///                      │ └──┴────────────────────────────────┘
///                      └─join─ waiting ◄── nobody is there
///
/// While collecting, at least one lease is out: every event that leaves none
/// publishes, skips the round or ends the run. That is why nothing stalls.
/// Where nobody is there, the run is starved; it goes on if somebody joins.
enum class phase : std::uint8_t {
  idle,
  collecting,
  publishing,
  waiting,
  ended
};

} // namespace troupe::federated
