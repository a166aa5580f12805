#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "protocols/federated/region.hpp"
#include "protocols/ids.hpp"
#include "protocols/timer.hpp"
#include "protocols/training.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct bench_options {
  std::vector<compute_slot> slots;
  std::size_t depth = 2; ///< tasks under way a slot, at most
};

/// A run's slots, shared by its regions: to each of their aggregators it looks
/// like as many slots, the lanes of one actor. Tasks wait here, whoever's they
/// are, and go to the first slot of their lane's kind that is free; so no slot
/// is idle while any region has work, and answers go back by here.
///
/// What is to stop while it waits is answered soon, so that no lane looks lost;
/// what is to stop as it comes, at once. What there is to score goes to the
/// slot itself.
class bench_state {
public:
  static inline const char* name = "troupe.bench";

  bench_state(bench::pointer self, bench_options options);
  bench::behavior_type make_behavior();

private:
  /// Tasks may overtake each other on their way; a lane takes them by turn.
  struct lane {
    std::uint64_t turn = 0; ///< of the next task
    std::map<std::uint64_t, train_task> early;
  };
  struct place {
    std::uint64_t turns = 0; ///< tasks that it was sent
    std::size_t held = 0;
    bool alive = true;
  };
  struct under_way {
    slot_id slot = 0;
    update_sink reply_to;
  };
  using ticket = std::pair<client_id, lease_id>; ///< unique over all regions
  static constexpr duration look_every = std::chrono::milliseconds{20};

  void take(train_task& what);
  bool refused(train_task& what, lane& at);
  void line_up(train_task& what);
  void score(evaluate_task& what);
  void go_on();
  slot_id free_slot(gpu::device_kind kind) const noexcept;
  void seat(train_task& what, slot_id slot);
  update_sink returned(const ticket& whose);
  void refuse(const train_task& what, caf::error why);
  void bury(const caf::actor_addr& who);

  bench::pointer self_;
  bench_options options_;
  std::vector<place> places_;                          ///< by slot
  std::map<caf::actor_addr, std::vector<lane>> lanes_; ///< by aggregator
  std::map<gpu::device_kind, std::deque<train_task>> waiting_;
  std::map<ticket, under_way> under_way_;
  timer<tick> timer_;
};
using bench_impl = bench::stateful_impl<bench_state>;

} // namespace troupe
