#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "gpu/device_stream.hpp"
#include "gpu/training/learner.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/training.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

/// One compute slot: owns a learner on one device, trains and evaluates what it
/// is sent, one task after the other. Spawn it detached, so that training never
/// holds a scheduler thread; what a learner throws fails that task alone.
/// Workers run in parallel, so tasks may overtake each other on their way; the
/// slot takes them by their turn, for the aggregator blames whoever's turn it
/// is when a slot does not come back.
class compute_state {
public:
  static inline const char* name = "troupe.compute";

  /// `max_norm` that a delta may have; 0: any.
  compute_state(compute::pointer self, gpu::device where,
      training::learner_factory make, double max_norm = 0.0);
  compute::behavior_type make_behavior();

private:
  void take(train_task& task);
  void train(train_task& task);
  trained run(const train_task& task);
  void score(const evaluate_task& task);
  training::learner& learner();
  gpu::device_stream& stream();
  std::shared_ptr<gpu::buffer> copied(const gpu::buffer& from, gpu::device to);
  double cpu_since_last();

  compute::pointer self_;
  gpu::device where_;
  training::learner_factory make_;
  double most_;
  std::optional<gpu::device_stream> stream_;
  std::unique_ptr<training::learner> learner_;
  double cpu_seen_ = 0.0;
  double asked_ = 0.0;     ///< wall_seconds()
  std::uint64_t turn_ = 0; ///< of the next task
  std::map<std::uint64_t, train_task> early_;
};
using compute_impl = compute::stateful_impl<compute_state>;

} // namespace troupe
