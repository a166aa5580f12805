#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/detail/test_actor_clock.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include "protocols/messages.hpp"

namespace troupe::tests {

/// Actors without threads: messages are delivered when a test says so, and the
/// clock is moved by hand. One that is not under test is played by an `extra`.
class rehearsal {
public:
  rehearsal() : system_(configured(config_)) {}
  ~rehearsal() { run(); }

  caf::actor_system& system() { return system_; }

  /// Delivers messages until none is left.
  void run() { scheduler().run(); }
  /// Moves the clock, which sends what is due, and delivers it.
  void pass(duration time) {
    scheduler().advance_time(time);
    run();
  }

  /// Messages that the clock holds until their time has come.
  std::size_t pending() {
    const auto& all = scheduler().clock().schedule;
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(),
        [](const auto& entry) { return !entry.second.f.disposed(); }));
  }

  template <class Handle, class Message>
  void tell(const Handle& whom, Message&& message) {
    caf::anon_send(whom, std::forward<Message>(message));
    run();
  }

private:
  static caf::actor_system_config& configured(caf::actor_system_config& c) {
    register_messages();
    return c.set("caf.scheduler.policy", "testing");
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  caf::actor_system_config config_;
  caf::actor_system system_;
};

/// Stands in for any actor and remembers what it was told.
class extra {
public:
  explicit extra(rehearsal& stage)
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
  ~extra() { caf::anon_send_exit(self_, caf::exit_reason::user_shutdown); }
  extra(const extra&) = delete;
  extra& operator=(const extra&) = delete;

  /// As a handle to whatever is needed.
  template <class Handle>
  Handle as() const {
    return caf::actor_cast<Handle>(self_);
  }

  /// All messages of one type, in order.
  template <class Message>
  std::vector<Message> heard() const {
    std::vector<Message> result;
    for (const auto& message : *heard_)
      if (message.match_elements<Message>())
        result.push_back(message.get_as<Message>(0));
    return result;
  }

private:
  std::shared_ptr<std::vector<caf::message>> heard_;
  caf::actor self_;
};

} // namespace troupe::tests
