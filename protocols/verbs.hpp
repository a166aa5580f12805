#pragma once

#include <cstddef>
#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/disposable.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "protocols/time.hpp"

// The few verbs through which actors send, ask, watch and delay: the one place
// that knows CAF's version.
namespace troupe {

/// Sends one message and forgets it.
template <class Self, class Handle, class Message>
void send(Self* self, const Handle& to, Message&& message) {
  self->send(to, std::forward<Message>(message));
}

/// Has the processor fetch an actor that is about to be sent something: one of
/// very many is in no cache.
template <class Handle>
void expect(const Handle& whom) {
  constexpr std::size_t line = 64, lines = 8; // up to its mailbox
  const auto* actor = reinterpret_cast<const char*>(
      caf::actor_cast<caf::actor_control_block*>(whom));
  for (std::size_t i = 0; i < lines; ++i)
    __builtin_prefetch(actor + i * line, 1);
}

/// Sends one message from outside any actor.
template <class Handle, class Message>
void send_anonymously(const Handle& to, Message&& message) {
  caf::anon_send(to, std::forward<Message>(message));
}

/// Sends one message to oneself after `delay`, by the actor's own clock. What
/// is disposed of before then is not sent, and the clock forgets it.
template <class Self, class Message>
caf::disposable delay(Self* self, duration delay, Message&& message) {
  auto& clock = self->clock();
  return clock.schedule_message(clock.now() + delay,
      caf::strong_actor_ptr{self->ctrl()},
      caf::make_mailbox_element(self->ctrl(), caf::make_message_id(),
          caf::no_stages, std::forward<Message>(message)));
}

/// Asks and expects an answer within `timeout`; for few outstanding questions.
template <class Self, class Handle, class Message>
auto ask(Self* self, const Handle& whom, duration timeout, Message&& message) {
  return self->request(whom, timeout, std::forward<Message>(message));
}

/// Asks for a `down_msg` when `whom` ends, however it ends.
template <class Self, class Handle>
void watch(Self* self, const Handle& whom) {
  self->monitor(whom);
}

/// The actor's clock, which tests move by hand.
template <class Self>
instant clock_now(Self* self) {
  return instant{self->clock().now().time_since_epoch()};
}

} // namespace troupe
