#include "runtime/company/slots.hpp"

#include <algorithm>
#include <utility>

#include "actors/computing/accelerator.hpp"
#include "actors/computing/compute.hpp"
#include "actors/federated/worker.hpp"
#include "protocols/messages.hpp"

namespace troupe {
namespace {

// Beside the scheduler's: its clock, its printer, and who looks after detached
// actors.
constexpr std::size_t caf_threads = 3;

std::size_t scheduler_threads() {
  return std::max<std::size_t>(2, this_machine().devices.front().slots);
}

bool has_lanes(const topology& what, gpu::device where) {
  return what.model() && where.kind == gpu::device_kind::cuda;
}

} // namespace

std::size_t actor_threads() {
  return scheduler_threads() + caf_threads;
}

void configure_actors(caf::actor_system_config& what) {
  register_messages();
  what.set("caf.scheduler.policy", "sharing");
  what.set("caf.scheduler.max-threads", scheduler_threads());
}

std::size_t compute_threads(const topology& what, const device_choice& on) {
  std::size_t result = 0;
  for (const auto& [where, slots] : on.devices)
    result += has_lanes(what, where) ? 1 : slots;
  return result;
}

std::vector<compute_slot> spawn_slots(caf::actor_system& system,
    const topology& what, const configuration& settled,
    const device_choice& on) {
  const auto max_norm = settled.federation.max_norm;
  std::vector<compute_slot> result;
  for (const auto& [where, slots] : on.devices) {
    auto lanes = has_lanes(what, where);
    compute all;
    if (lanes)
      all = system.spawn<accelerator_impl, caf::detached>(accelerator_options{
          *what.model(), where, slots, settled.client, on.products, max_norm});
    for (std::uint32_t i = 0; i < slots; ++i)
      result.push_back({lanes ? all
                              : system.spawn<compute_impl, caf::detached>(
                                    where, what.learner(), max_norm),
          lanes ? i : 0, where.kind});
  }
  return result;
}

std::shared_ptr<const worker_context> context_of(const configuration& settled) {
  return std::make_shared<const worker_context>(worker_context{
      settled.run.seed, settled.client, settled.run.order == "virtual"});
}

std::vector<worker> spawn_workers(caf::actor_system& system,
    const configuration& settled, std::vector<training::view> data,
    client_id first) {
  auto context = context_of(settled);
  std::vector<worker> result;
  result.reserve(data.size());
  for (client_id i = 0; i < data.size(); ++i)
    result.push_back(
        system.spawn<worker_impl>(first + i, std::move(data[i]), context));
  return result;
}

} // namespace troupe
