#include "runtime/company/attendance.hpp"

#include <stdexcept>
#include <utility>

#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

#include "actors/computing/compute.hpp"
#include "actors/computing/guard.hpp"
#include "protocols/participation.hpp"
#include "runtime/company/hall.hpp"

namespace troupe {

attendance::attendance(std::shared_ptr<hall> where) : hall_(std::move(where)) {}

void attendance::join(client_id client) {
  hall_->join(client);
}

void attendance::leave(client_id client) {
  hall_->leave(client);
}

slot_id attendance::lend() {
  return hall_->lend();
}

void attendance::withdraw(slot_id slot) {
  hall_->withdraw(slot);
}

attendance::hall::hall(caf::actor_system& system, aggregator whom,
    std::shared_ptr<const worker_context> context,
    std::vector<training::view> data, training::learner_factory make,
    double max_norm)
    : system_(system),
      context_(std::move(context)),
      data_(std::move(data)),
      make_(std::move(make)),
      max_norm_(max_norm),
      aggregator_(std::move(whom)) {}

void attendance::hall::join(client_id client) {
  if (client >= data_.size())
    throw std::out_of_range(fmt::format(
        "there is no client {}: the topology has {}", client, data_.size()));
  std::lock_guard lock{guard_};
  if (!aggregator_)
    return;
  const auto& data = data_[client];
  workers_.push_back(system_.spawn<worker_impl>(client, data, context_));
  send_anonymously(aggregator_, enrol{client, data.size(), workers_.back()});
}

void attendance::hall::leave(client_id client) {
  std::lock_guard lock{guard_};
  if (aggregator_)
    send_anonymously(aggregator_, troupe::leave{client});
}

slot_id attendance::hall::lend() {
  aggregator whom;
  compute slot;
  {
    std::lock_guard lock{guard_};
    if (!aggregator_)
      throw std::runtime_error("the run has ended");
    whom = aggregator_;
    slot = system_.spawn<compute_impl, caf::detached>(
        gpu::device{}, make_, max_norm_);
    slots_.push_back(slot);
  }
  caf::scoped_actor self{system_};
  slot_id result = 0;
  ask(self.ptr(), whom, caf::infinite, troupe::lend{{{slot, 0, {}}}})
      .receive([&](slot_id id) { result = id; },
          [](const caf::error& why) { throw std::runtime_error(text(why)); });
  return result;
}

void attendance::hall::withdraw(slot_id slot) {
  std::lock_guard lock{guard_};
  if (aggregator_)
    send_anonymously(aggregator_, troupe::withdraw{slot});
}

void attendance::hall::close() {
  std::lock_guard lock{guard_};
  aggregator_ = aggregator{};
  for (const auto& one : workers_)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  for (const auto& one : slots_)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  workers_.clear();
  slots_.clear();
}

} // namespace troupe
