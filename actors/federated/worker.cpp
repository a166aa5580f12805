#include "actors/federated/worker.hpp"

#include <utility>

#include "actors/clocks.hpp"

namespace troupe {

worker_state::worker_state(worker::pointer self, client_id client,
    training::view data, std::shared_ptr<const worker_context> context)
    : self_(self),
      client_(client),
      data_(std::move(data)),
      context_(std::move(context)) {}

worker_state::~worker_state() {
  stop_.request_stop();
}

worker::behavior_type worker_state::make_behavior() {
  return {
      [this](seated_offer& what) { accept(what); },
      [this](const revoke& what) { stop(what.lease); },
  };
}

// What nobody stopped serves the next lease too.
void worker_state::accept(seated_offer& what) {
  if (!stop_.stop_possible() || stop_.stop_requested())
    stop_ = std::stop_source{};
  lease_ = what.lease;
  training::assignment work{client_, what.base, data_,
      context_->recipe.with_work(what.work),
      gpu::random_stream{
          context_->seed, gpu::stream::train, client_, what.base}};
  work.within.steps = what.within.steps;
  if (!context_->on_virtual_clock)
    work.within.seconds = double{context_->recipe.seconds};
  send(self_, what.on,
      train_task{what.lease, std::move(work), std::move(what.parameters),
          std::move(what.reply_to), what.lane, what.turn, stop_.get_token(),
          std::move(what.state), std::move(what.variate),
          what.within.seconds > 0.0 ? wall_seconds() + what.within.seconds
                                    : 0.0});
}

void worker_state::stop(lease_id lease) {
  if (lease == lease_)
    stop_.request_stop();
}

} // namespace troupe
