#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/message.hpp>
#include <caf/send.hpp>

#include "protocols/time.hpp"

namespace troupe::tests {

/// Actors without threads: messages are delivered when a test says so, and the
/// clock is moved by hand. One that is not under test is played by an `extra`.
class rehearsal {
public:
  rehearsal();
  ~rehearsal();

  caf::actor_system& system() { return system_; }

  /// Delivers messages until none is left; answers how many.
  std::size_t run();
  /// Moves the clock, which sends what is due, and delivers it.
  void pass(duration time);

  /// Messages that the clock holds until their time has come.
  std::size_t pending();

  template <class Handle, class Message>
  void tell(const Handle& whom, Message&& message) {
    caf::anon_send(whom, std::forward<Message>(message));
    run();
  }

private:
  caf::actor_system_config config_;
  caf::actor_system system_;
};

/// Stands in for any actor and remembers what it was told.
class extra {
public:
  explicit extra(rehearsal& stage);
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
