#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "actors/parallel/agreement.hpp"
#include "actors/parallel/standing.hpp"
#include "protocols/parallel/meeting_room.hpp"
#include "protocols/parallel/messages.hpp"
#include "protocols/verbs.hpp"

namespace troupe::parallel {

struct executor_options {
  plan how;
  assignment what;
  training::view test{};
  gpu::device where{};
  std::shared_ptr<meeting_room> room;
  rank_sink reports_to;
};

/// A rank's arithmetic, on a thread of its own: spawn it detached. It holds
/// what the rank trains from one epoch to the next; of an epoch, a group.
///
///     start_over ──► muster ──► advance ──► advance ──► assess ──► advance …
///        ▲                         │ group_error: broken
///        └─────────────────────────┘ what comes for that epoch is dropped
///
/// What it throws is said by `broken`: it is fatal where no other composition
/// would do better.
class executor_state {
public:
  static inline const char* name = "troupe.executor";

  executor_state(executor::pointer self, executor_options options);
  executor::behavior_type make_behavior();

private:
  template <class What, class Work>
  void attempt(const What& what, Work&& work);
  void begin(const start_over& what);
  void meet(const muster& what);
  void make_steps(const advance& what);
  void score(const assess& what);
  void give(const hand_over& what);
  void break_off(std::uint32_t blames, std::string why, bool fatal);
  double cpu_since_last();

  executor::pointer self_;
  executor_options options_;
  std::optional<standing> at_; ///< made at the first muster, on this thread
  std::unique_ptr<collective::group> group_;
  std::unique_ptr<agreement> agreement_;
  epoch_id epoch_ = 0; ///< 0: none is under way
  seat_id seat_ = 0;
  bool has_state_ = false;
  std::stop_token until_;
  double cpu_seen_ = 0.0;
};
using executor_impl = executor::stateful_impl<executor_state>;

} // namespace troupe::parallel
