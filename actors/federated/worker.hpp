#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "gpu/training/dataset.hpp"
#include "gpu/training/recipe.hpp"
#include "protocols/training.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

/// What all clients of a run have in common.
struct worker_context {
  std::uint64_t seed = 0;
  training::recipe recipe;
  bool on_virtual_clock = false; ///< which alone says how long a lease takes
};

/// One logical client: owns its samples, turns an offer into a task for the
/// compute slot that it was lent; the slot answers to whom the offer names.
/// What it trains is a function of seed, client, version and work alone.
///
/// A lease of it that is out is revoked before another is offered. Revocation
/// tells what trains to stop, and so does the worker's end.
class worker_state {
public:
  static inline const char* name = "troupe.worker";

  worker_state(worker::pointer self, client_id client, training::view data,
      std::shared_ptr<const worker_context> context);
  ~worker_state();
  worker::behavior_type make_behavior();

private:
  void accept(seated_offer& what);
  void stop(lease_id lease);

  worker::pointer self_;
  client_id client_;
  training::view data_;
  std::shared_ptr<const worker_context> context_;
  lease_id lease_ = 0; ///< the last one
  std::stop_source stop_{std::nostopstate};
};
using worker_impl = worker::stateful_impl<worker_state>;

} // namespace troupe
