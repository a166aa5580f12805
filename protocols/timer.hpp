#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include <caf/disposable.hpp>

#include "protocols/ids.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

/// Wakes its actor with a `Message` to itself, once, at the time that it was
/// set to last, by the actor's clock. A message holds its turn alone:
///
///     set(when) ──► on its way ──message──► rang(turn): true, at `when`
///                      │   ▲
///                  set │   │ a nearer time: the message is taken back, and the
///                      └───┘ next one sent; a later one: it comes, rang() is
///                            false, and the next one is sent then
///
/// At most one message is on its way, however often the timer is set and to
/// whatever times, so that ticks neither multiply nor pile up in the clock. One
/// that was taken back too late is of an old turn, and rang() is false.
template <class Message>
class timer {
public:
  timer() = default;
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;
  ~timer() { message_.dispose(); }

  /// Rings at `when` and at no other time; none: not at all.
  template <class Self>
  void set(Self* self, std::optional<instant> when) {
    wanted_ = when;
    if (!when || (coming_ && *coming_ <= *when))
      return;
    message_.dispose();
    coming_ = when;
    message_ = delay(
        self, std::max(*when - clock_now(self), duration{}), Message{++turn_});
  }

  /// Rings at `when` unless it rings before.
  template <class Self>
  void set_by(Self* self, instant when) {
    if (!wanted_ || when < *wanted_)
      set(self, when);
  }

  /// A message of this turn has come. Whether the time has, too; then the timer
  /// is to be set anew.
  template <class Self>
  bool rang(Self* self, std::uint64_t turn) {
    if (turn != turn_)
      return false;
    coming_.reset();
    if (!wanted_ || clock_now(self) < *wanted_) {
      set(self, wanted_);
      return false;
    }
    wanted_.reset();
    return true;
  }

private:
  std::optional<instant> wanted_;
  std::optional<instant> coming_; ///< when the message comes
  std::uint64_t turn_ = 0;        ///< of that message
  caf::disposable message_;
};

} // namespace troupe
