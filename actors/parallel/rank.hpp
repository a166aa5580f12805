#pragma once

#include <stop_token>

#include "protocols/parallel/messages.hpp"
#include "protocols/verbs.hpp"

namespace troupe::parallel {

/// One rank's ear: what it is told it passes on to its executor, which may be
/// in the middle of a step. A new epoch ends the one that is under way, whoever
/// its group waits for.
class rank_state {
public:
  static inline const char* name = "troupe.rank";

  rank_state(rank_actor::pointer self, executor does);
  ~rank_state();
  rank_actor::behavior_type make_behavior();

private:
  void begin(const convene& what);

  rank_actor::pointer self_;
  executor does_;
  std::stop_source epoch_;
};
using rank_impl = rank_actor::stateful_impl<rank_state>;

} // namespace troupe::parallel
