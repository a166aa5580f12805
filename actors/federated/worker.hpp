#pragma once

#include <memory>

#include "gpu/training/dataset.hpp"
#include "gpu/training/recipe.hpp"
#include "protocols/training.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

/// What all clients of a run have in common.
struct worker_context {
  std::uint64_t seed = 0;
  training::recipe recipe;
  aggregator report_to;
};

/// One logical client: owns its samples, turns an offer into a task for the
/// compute slot that it was lent; the slot reports what came of it. What it
/// trains is a function of seed, client and version alone.
class worker_state {
public:
  static inline const char* name = "troupe.worker";

  worker_state(worker::pointer self, client_id client, training::view data,
      std::shared_ptr<const worker_context> context);
  worker::behavior_type make_behavior();

private:
  void accept(offer& what);

  worker::pointer self_;
  client_id client_;
  training::view data_;
  std::shared_ptr<const worker_context> context_;
};
using worker_impl = worker::stateful_impl<worker_state>;

} // namespace troupe
