#include "tests/support/rehearsal.hpp"

#include <algorithm>

#include <caf/detail/test_actor_clock.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "protocols/messages.hpp"

namespace troupe::tests {
namespace {

caf::actor_system_config& configured(caf::actor_system_config& config) {
  register_messages();
  return config.set("caf.scheduler.policy", "testing");
}

caf::scheduler::test_coordinator& scheduler_of(caf::actor_system& system) {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
}

} // namespace

rehearsal::rehearsal() : system_(configured(config_)) {}

rehearsal::~rehearsal() {
  run();
}

std::size_t rehearsal::run() {
  return scheduler_of(system_).run();
}

void rehearsal::pass(duration time) {
  scheduler_of(system_).advance_time(time);
  run();
}

std::size_t rehearsal::pending() {
  const auto& all = scheduler_of(system_).clock().schedule;
  return static_cast<std::size_t>(std::ranges::count_if(
      all, [](const auto& entry) { return !entry.second.f.disposed(); }));
}

extra::extra(rehearsal& stage)
    : heard_(std::make_shared<std::vector<caf::message>>()),
      self_(stage.system().spawn(
          [heard = heard_](caf::event_based_actor* me) -> caf::behavior {
            me->set_default_handler(
                [heard](caf::scheduled_actor*,
                    caf::message& what) -> caf::skippable_result {
                  heard->push_back(what);
                  return caf::message{};
                });
            return {[](caf::unit_t) {}};
          })) {}

} // namespace troupe::tests
