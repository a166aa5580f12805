#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <stop_token>
#include <vector>

#include "protocols/evaluation.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct evaluator_options {
  training::view data;             ///< the test set
  std::size_t part = 500;          ///< samples a task
  std::vector<compute_slot> slots; ///< by slot id
  aggregator report_to;
};

/// Scores versions on the test set: cuts it into parts of fixed size, keeps one
/// part at every slot of one kind of device, GPUs if there are any, and merges
/// the sums in the parts' order, so that a score does not depend on who
/// computed it.
class evaluator_state {
public:
  static inline const char* name = "troupe.evaluator";

  evaluator_state(evaluator::pointer self, evaluator_options options);
  evaluator::behavior_type make_behavior();

private:
  struct slot {
    bool alive = true;                 ///< and of the kind that scores
    std::optional<std::uint64_t> part; ///< at work on it
  };

  void start();
  void hand_out();
  void collect(evaluated_part& part);
  void forget(slot_id which);
  void finish(caf::error failed);

  evaluator::pointer self_;
  evaluator_options options_;
  std::vector<slot> slots_;
  std::deque<evaluate> queue_; ///< the front one is under way
  std::deque<std::uint64_t> open_;
  std::vector<training::evaluation> sums_;
  std::uint64_t base_ = 0; ///< number of the first part of the front one
  std::uint64_t missing_ = 0;
  double cpu_seconds_ = 0.0;
  std::chrono::nanoseconds started_{};
};
using evaluator_impl = evaluator::stateful_impl<evaluator_state>;

} // namespace troupe
