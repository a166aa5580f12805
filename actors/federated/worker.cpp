#include "actors/federated/worker.hpp"

#include <utility>

namespace troupe {

worker_state::worker_state(worker::pointer self, client_id client,
    training::view data, std::shared_ptr<const worker_context> context)
    : self_(self),
      client_(client),
      data_(std::move(data)),
      context_(std::move(context)) {}

worker::behavior_type worker_state::make_behavior() {
  return {
      [this](offer& what) { accept(what); },
  };
}

void worker_state::accept(offer& what) {
  training::assignment work{client_, what.base, data_, context_->recipe,
      gpu::random_stream{
          context_->seed, gpu::stream::train, client_, what.base}};
  send(self_, what.on,
      train_task{what.lease, std::move(work), std::move(what.parameters),
          context_->report_to, what.lane, what.turn, std::move(what.stop)});
}

} // namespace troupe
