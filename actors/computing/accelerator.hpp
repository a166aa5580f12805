#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "gpu/device_stream.hpp"
#include "gpu/training/cohort.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/training.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct accelerator_options {
  models::model what;
  gpu::device where;
  std::size_t lanes = 1; ///< clients side by side
  training::recipe how;  ///< of the run
  gpu::precision products = gpu::precision::fp32;
  double max_norm = 0.0; ///< that a delta may have; 0: any
};

/// All slots of one device: each is a lane, whose tasks it takes by their turn.
/// Work is queued on the device a stretch at a time; the driver's word that a
/// stretch is done comes back as a message, and two are under way so that the
/// device never waits for the answer.
///
///     train_task ─► waiting ─► at work ─► through ─► update, failure
///                     lane free  │ a stretch queued its last step
///     evaluate_task ─► scores ───┴─► stretch ─► device_reached ─► answers
///
/// A task that asks for too much memory, or whose data are bad, fails by
/// itself; a device that answers with errors ends the actor with an error that
/// names it. It owns the device's stream and memory and does not wait for
/// training; only to bring what a task needs, on a stream beside, and until
/// the stretches under way are done when it drops a task. Spawn it detached.
class accelerator_state {
public:
  static inline const char* name = "troupe.accelerator";

  accelerator_state(accelerator::pointer self, accelerator_options options);
  accelerator::behavior_type make_behavior();

private:
  struct lane {
    std::map<std::uint64_t, train_task> waiting; ///< by turn
    std::uint64_t turn = 0;                      ///< of the next to be taken
    std::optional<train_task> task;
    bool through = false;  ///< all its steps are queued
    double begun = 0.0;    ///< wall_seconds()
    double cpu_then = 0.0; ///< cpu_share_ at its start
  };
  struct passenger {
    std::size_t lane = 0;
    lease_id lease = 0;
  };
  struct scoring {
    evaluate_task task;
    double cpu_then = 0.0;
  };
  /// What was queued in one go.
  struct stretch {
    std::uint64_t ticket = 0;
    double begun = 0.0; ///< wall_seconds()
    std::vector<passenger> through;
    std::vector<scoring> scores;
  };

  // events
  void take(train_task& task);
  void score(evaluate_task& task);
  void reach(std::uint64_t ticket);
  void look_after();

  // queueing work
  bool ready();
  void go_on();
  void enter_next(std::size_t which);
  void cut_short();
  void advance();
  void queue_scores();
  void set_off(stretch what);

  // answers
  void arrive(stretch& what);
  void finish(std::size_t which);
  gpu::device_stream& measuring(const gpu::buffer& delta);
  bool is_too_large(const gpu::buffer& delta);
  gpu::shared_buffer next_variate(
      const train_task& task, const trained& result);
  void drop(std::size_t which, caf::error why);
  void drop_stopped();
  void drop_youngest(const caf::error& why);
  void answer(const scoring& one);
  void refuse(const train_task& task, caf::error why);

  void examine();
  void give_up(const caf::error& why);
  void share_cpu();

  accelerator::pointer self_;
  accelerator_options options_;
  std::unique_ptr<training::cohort> cohort_;
  std::vector<lane> lanes_;
  std::size_t taken_ = 0;   ///< lanes with a task
  std::size_t at_work_ = 0; ///< of these, with steps to queue
  std::size_t steps_ = 1;   ///< of the next stretch, at most
  bool slow_ = false;       ///< the last stretch took too long
  double arrived_ = 0.0;    ///< the last stretch: wall_seconds()
  std::deque<evaluate_task> scores_;
  std::size_t scoring_ = 0; ///< under way
  bool scored_last_ = false;
  std::deque<stretch> under_way_;
  std::uint64_t tickets_ = 0;
  std::uint64_t watched_ = 0; ///< the ticket that the timer waits for; 0: none
  bool broken_ = false;
  double cpu_seen_ = 0.0;
  double cpu_share_ = 0.0; ///< of one task that was there all the time
  std::optional<gpu::device_stream> measuring_; ///< beside the cohort's
};
using accelerator_impl = accelerator::stateful_impl<accelerator_state>;

} // namespace troupe
