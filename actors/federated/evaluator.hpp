#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <stop_token>
#include <vector>

#include "protocols/evaluation.hpp"
#include "protocols/participation.hpp"
#include "protocols/run.hpp"
#include "protocols/timer.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct evaluator_options {
  training::view data;             ///< the test set
  std::size_t part = 500;          ///< samples a task
  std::vector<compute_slot> slots; ///< by slot id
  aggregator report_to;
  duration patience{}; ///< without a slot that scores; 0: none
};

/// Scores versions on the test set: cuts it into parts of fixed size, keeps one
/// part at every slot of one kind of device, GPUs if there are any, and merges
/// the sums in the parts' order, so that a score does not depend on who
/// computed it.
///
/// A version is answered for once no slot is at a part of it any more. When a
/// part fails, when an interrupt comes or when no slot is left and none has
/// come for as long as it has patience, the others are told to stop; the
/// aggregator says when a slot that does not heed that is gone, and so no
/// answer is waited for in vain.
class evaluator_state {
public:
  static inline const char* name = "troupe.evaluator";

  evaluator_state(evaluator::pointer self, evaluator_options options);
  ~evaluator_state();
  evaluator::behavior_type make_behavior();

private:
  struct task {
    std::uint64_t number = 0; ///< of all tasks
    std::size_t part = 0;
    std::stop_source stop{};
    bool begun = false;
  };
  struct slot {
    bool scores = true; ///< it is of the kind that does
    bool alive = true;
    std::optional<task> at{};
  };

  void take_in(const slots_lent& what);
  void ask(evaluate& what);
  void note(const part_begun& what);
  void collect(const evaluated_part& what);
  void forget(slot_id which);
  void call_off();

  void start();
  void hand_out();
  bool has_slot() const;
  void wait();
  void give_up(tick what);
  void fail(caf::error why);
  void stop_all();
  void settle();
  void finish();
  slot* at(std::uint64_t task);
  void tell_busy(const slot& which, bool busy, bool alone);

  evaluator::pointer self_;
  evaluator_options options_;
  std::vector<slot> slots_;
  std::uint64_t tasks_ = 0;
  bool called_off_ = false;
  std::deque<evaluate> queue_; ///< the front one is under way

  // of that one
  std::deque<std::size_t> open_; ///< parts at no slot
  std::vector<training::evaluation> sums_;
  std::uint64_t missing_ = 0;
  caf::error failed_;
  double cpu_seconds_ = 0.0;
  instant started_{};
  std::optional<instant> lacks_since_; ///< slots that score
  timer<tick> timer_;
};
using evaluator_impl = evaluator::stateful_impl<evaluator_state>;

} // namespace troupe
