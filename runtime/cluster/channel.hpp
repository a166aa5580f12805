#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <system_error>

#include "monitoring/wire.hpp"

namespace troupe::cluster {

/// Moves spans of bytes between two ends: what is sent at one is received at
/// the other, in order, and spans need not be cut alike. Both calls return at
/// once and may be made while earlier ones are under way; calls of one kind are
/// carried out in order. Belongs to one I/O thread: it is called there and
/// calls back there, never inside the call itself.
class channel {
public:
  /// Called once. On an error an unknown part of the span was moved, and so
  /// fails whatever comes after it.
  using done = std::function<void(std::error_code)>;

  virtual ~channel() = default;

  /// `from` lives, unchanged, until `then`: the bytes are on their way, which
  /// does not mean that they have arrived.
  virtual void send(std::span<const std::byte> from, done then) = 0;
  /// `to` lives, untouched, until `then`: it is full.
  virtual void receive(std::span<std::byte> to, done then) = 0;
  /// At once: what is under way, and what is asked for later, fails. Destroying
  /// a channel closes it; both may be done in a `done`.
  virtual void close() = 0;
  /// What the bytes go through, for people who watch.
  virtual monitoring::wire over() const noexcept = 0;
};

} // namespace troupe::cluster
