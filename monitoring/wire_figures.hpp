#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "monitoring/pulse.hpp"
#include "monitoring/scrape.hpp"
#include "monitoring/wire.hpp"

namespace troupe::monitoring {

/// Counts what goes on between this process and others of its cluster, for
/// Prometheus; all are named `troupe_...`:
///
///     wire_bytes_total{wire,direction}      of messages and tensors, as they
///                                           are before TLS
///     heartbeats_total{direction}           beats alone; other bytes are signs
///                                           of life as well
///     silence_seconds{peer}                 of those who have a session now
///     silence_limit_seconds                 after so long they are lost
///     transfers_started_total               tensors that were asked for
///     transfers_total{outcome}              completed, failed, or cancelled by
///                                           the end of their session
///     transfers_retried_total               had to be taken up again
///     transfer_bytes_total{wire}, transfer_seconds{wire}   of completed ones:
///                                           a transfer's bandwidth
///     channels_opened_total{wire}           for tensors, again or at first
///     connections_refused_total{reason}     that came to no session
///
/// Calls come from any thread, and none waits for a scrape.
class wire_figures {
public:
  enum class outcome : std::uint8_t { completed, failed, cancelled };
  enum class refusal : std::uint8_t {
    handshake, ///< no TLS, or another authority's
    preamble,  ///< it does not speak as Troupe does, or another version
    hello,     ///< it does not say what it is for
    name,      ///< another than its certificate's
    session,   ///< a courier's, of a session that there is not
    crowded,   ///< too many are being greeted
  };

  /// `silence_limit` in seconds; 0: there is none.
  explicit wire_figures(double silence_limit = 0.0);
  ~wire_figures();

  void moved(wire over, direction which, std::uint64_t bytes) noexcept;
  void beat(direction which) noexcept;

  void transfer_started() noexcept;
  /// One that has begun, over the wire that it came by.
  void transfer_completed(
      wire over, std::uint64_t bytes, double seconds) noexcept;
  void transfer_ended(outcome how) noexcept; ///< without its bytes
  void transfers_retried(std::uint64_t count) noexcept;
  void channel_opened(wire over) noexcept;
  void refused(refusal why) noexcept;

  /// A session has begun: shows when its peer was last heard, for as long as
  /// what is answered with is kept.
  [[nodiscard]] std::shared_ptr<void> watch(
      std::string peer, std::shared_ptr<const pulse> of);

  /// For an exposer; they outlive this object.
  collectables all() const;

private:
  struct counters;
  std::unique_ptr<counters> counters_;
};

} // namespace troupe::monitoring
