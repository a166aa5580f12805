#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/message.hpp>
#include <caf/response_promise.hpp>
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

/// Stands in for any actor, remembers what it was told, and answers as a test
/// says: with nothing, unless it says otherwise.
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
    for (const auto& message : script_->heard)
      if (message.match_elements<Message>())
        result.push_back(message.get_as<Message>(0));
    return result;
  }

  /// From now on whoever asks by such a message is answered by `what(message)`.
  template <class Message, class Function>
  void answers(Function what) {
    script_->answers[caf::type_id_v<Message>] =
        [what](const caf::message& asked) mutable {
          return caf::make_message(what(asked.get_as<Message>(0)));
        };
  }
  /// And waits until `answer_now`.
  template <class Message>
  void hesitates() {
    script_->hesitant.insert(caf::type_id_v<Message>);
  }
  /// Answers the first one who waits; false if nobody does.
  bool answer_now(rehearsal& stage);

private:
  struct script {
    caf::message answer(const caf::message& asked);
    void answer_first();

    std::vector<caf::message> heard{};
    std::map<caf::type_id_t, std::function<caf::message(const caf::message&)>>
        answers{};
    std::set<caf::type_id_t> hesitant{};
    std::deque<std::pair<caf::message, caf::response_promise>> waiting{};
  };

  std::shared_ptr<script> script_;
  caf::actor self_;
};

} // namespace troupe::tests
