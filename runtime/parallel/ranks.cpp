#include "runtime/parallel/ranks.hpp"

#include <utility>

#include "actors/parallel/executor.hpp"
#include "actors/parallel/rank.hpp"
#include "runtime/configuration/mesh_choice.hpp"

namespace troupe::parallel {
namespace {

const gpu::device& device_of(const device_choice& on, std::size_t rank) {
  return on.devices[rank % on.devices.size()].where;
}

} // namespace

spawned_ranks spawn_ranks(caf::actor_system& system, const topology& what,
    const configuration& settled, const device_choice& on, std::size_t count,
    const std::shared_ptr<meeting_room>& room, const rank_sink& whom) {
  spawned_ranks result;
  for (std::size_t i = 0; i < count; ++i) {
    auto does = system.spawn<executor_impl, caf::detached>(executor_options{
        plan_of(settled), {*what.model(), what.training_data(), what.initial()},
        what.test_data(), device_of(on, i), room, whom});
    result.ranks.push_back(system.spawn<rank_impl>(does));
    result.threads.push_back(std::move(does));
  }
  return result;
}

std::vector<gpu::device_kind> kinds_of_ranks(
    const device_choice& on, std::size_t count) {
  std::vector<gpu::device_kind> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(device_of(on, i).kind);
  return result;
}

} // namespace troupe::parallel
