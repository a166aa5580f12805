#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "protocols/ids.hpp"
#include "protocols/time.hpp"

namespace troupe::federated {

/// How long a synchronous round waits for its clients: a fixed time, or
///
///     median + k x MAD
///
/// of the times that they took of late, where the MAD is the median distance
/// from the median, so that few stragglers move neither. A client that has
/// three times or more is judged by its own last `own_times`, another one by
/// all of the last `recent_rounds` rounds; the round waits for as long as any
/// of its clients gets. Nothing is known at the start of a run, nor of one that
/// is resumed without it (`inspect`): such a round has no deadline.
///
/// Whoever was given up counts with the time that it had. Left out, it would
/// make every deadline shorter than the one before.
///
/// A value; knows no clock. Of the times of a round, order does not matter.
class deadline {
public:
  static constexpr std::size_t recent_rounds = 8;
  static constexpr std::size_t own_times = 8;

  /// None.
  deadline() = default;
  /// A fixed time, or else `spread` times the MAD above the median; 0: neither.
  /// Clients send what they have after `part` of it; 0: all that was asked for.
  explicit deadline(duration fixed, double spread = 0.0, double part = 0.0);

  /// The same, that knows nothing yet.
  deadline anew() const { return deadline{fixed_, spread_, part_}; }

  /// From the start of a round of these clients; none: it waits for all.
  std::optional<duration> of(std::span<const client_id> cohort) const;

  /// When its clients send what they have, from the start of a round that waits
  /// for so long; none: when they are through.
  std::optional<duration> sends_after(duration waits) const;

  void begin_round();
  /// In this round, from its start; once a client.
  void took(client_id client, duration time);

  /// What it has learnt.
  template <class Inspector>
  friend bool inspect(Inspector& f, deadline& x) {
    return f.object(x).fields(
        f.field("rounds", x.rounds_), f.field("own", x.own_));
  }

private:
  duration above_median(std::vector<duration> times) const;
  std::span<const duration> own(client_id client) const noexcept;

  duration fixed_{};
  double spread_ = 0.0;
  double part_ = 0.0;
  std::deque<std::vector<duration>> rounds_; // the open one is the last
  std::vector<std::vector<duration>> own_;   // by client, the newest last
};

} // namespace troupe::federated
