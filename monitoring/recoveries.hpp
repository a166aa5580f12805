#pragma once

#include <map>
#include <optional>
#include <set>

#include "protocols/ids.hpp"
#include "protocols/time.hpp"

namespace troupe::monitoring {

/// How long leases that were taken back without fault of their clients, as when
/// a node is lost, wait until they are handed out again. Those that are taken
/// back in one moment belong together: one loss.
///
///     requeued ──► open ──the last one is leased──► how long it took
///                   │ a client leaves, or its round is over: not waited for
///                   └─────► if nobody is left, as long as the others took
class recoveries {
public:
  void requeued(client_id client, instant at);
  /// A client has a lease. Answers if by that a loss is made good.
  std::optional<duration> leased(client_id client, instant at);
  /// Nobody waits for its lease any more.
  std::optional<duration> gone(client_id client);
  /// No lease of before is handed out again.
  std::optional<duration> round_over();
  void reset() { open_.clear(); }

private:
  struct loss {
    std::set<client_id> missing{};
    std::optional<duration> took{}; ///< until the last of the others
  };

  std::optional<duration> close(std::map<instant, loss>::iterator which);

  std::map<instant, loss> open_; ///< by when it happened
};

} // namespace troupe::monitoring
