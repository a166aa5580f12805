#pragma once

#include <mutex>
#include <vector>

#include <caf/actor_system.hpp>

#include "actors/federated/worker.hpp"
#include "gpu/training/learner.hpp"
#include "protocols/interfaces.hpp"
#include "runtime/company/attendance.hpp"

namespace troupe {

/// Spawns who joins a run, and remembers them for the end.
class attendance::hall {
public:
  hall(caf::actor_system& system, aggregator whom,
      std::shared_ptr<const worker_context> context,
      std::vector<training::view> data, training::learner_factory make,
      double max_norm);

  void join(client_id client);
  void leave(client_id client);
  slot_id lend();
  void withdraw(slot_id slot);

  /// The run has ended: dismisses everybody.
  void close();

private:
  caf::actor_system& system_;
  std::shared_ptr<const worker_context> context_;
  std::vector<training::view> data_; ///< by client
  training::learner_factory make_;
  double max_norm_; ///< of a delta; 0: any

  std::mutex guard_; ///< of what follows; callers have threads of their own
  aggregator aggregator_; ///< none: closed
  std::vector<worker> workers_;
  std::vector<compute> slots_;
};

} // namespace troupe
