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
    : script_(std::make_shared<script>()),
      self_(stage.system().spawn(
          [plays = script_](caf::event_based_actor* me) -> caf::behavior {
            me->set_default_handler([me, plays](caf::scheduled_actor*,
                                        caf::message& what)
                                        -> caf::skippable_result {
              plays->heard.push_back(what);
              if (what.empty() || !plays->hesitant.contains(what.type_at(0)))
                return plays->answer(what);
              plays->waiting.emplace_back(what, me->make_response_promise());
              return caf::delegated<caf::message>{};
            });
            return {[plays](caf::unit_t) { plays->answer_first(); }};
          })) {}

bool extra::answer_now(rehearsal& stage) {
  const auto somebody_waits = !script_->waiting.empty();
  stage.tell(self_, caf::unit);
  return somebody_waits;
}

void extra::script::answer_first() {
  if (waiting.empty())
    return;
  auto [asked, promise] = std::move(waiting.front());
  waiting.pop_front();
  promise.deliver(answer(asked));
}

caf::message extra::script::answer(const caf::message& asked) {
  const auto at =
      asked.empty() ? answers.end() : answers.find(asked.type_at(0));
  return at == answers.end() ? caf::message{} : at->second(asked);
}

} // namespace troupe::tests
