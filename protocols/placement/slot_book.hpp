#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "gpu/device.hpp"
#include "protocols/ids.hpp"
#include "protocols/placement/lease_table.hpp"

namespace troupe::placement {

/// Which lease runs on which compute slot. Credits bound what is in flight: a
/// slot takes at most `depth()` leases, the first of which is running, unless
/// the slot is at a part of the test set instead. Pure: time is an argument. A
/// lease asks for the kind of device that it is allotted to, so the kinds
/// neither wait for each other nor share a depth. A slot may be for one client
/// alone, whose leases go nowhere else.
///
///     add         lose
///     ──► alive ──────────► lost
///           │ ◄──────────    │
///           │   answered     │
///           │ retire         │ retire
///           ▼                ▼
///        leaving ─────────► left     all but left ──die──► dead
///               empty, lose
///
/// A lost slot did not return in time; it may yet, and takes leases again then.
/// One that leaves finishes what it has, and has left, too, where it does not
/// return. A spared one takes parts of the test set alone; it is never alive.
///
/// A slot should neither wait for its next lease nor hoard leases that another
/// could begin sooner. So its queue holds about a millisecond of work, by the
/// mean of what recent leases took: two leases of a model that trains for
/// longer, hundreds of one that takes microseconds, never more than `most`.
class slot_book {
public:
  /// The slots by the kind of their device; `most` >= 1.
  slot_book(std::vector<gpu::device_kind> slots, std::size_t most);

  /// One more; its id.
  slot_id add(
      gpu::device_kind kind, std::optional<client_id> only_for = std::nullopt);
  /// Whom it is for alone, if it is.
  std::optional<client_id> only_for(slot_id slot) const noexcept {
    return slots_[slot].only_for;
  }
  /// The slot takes no more leases; it has left once it holds none.
  void retire(slot_id slot) noexcept;
  bool has_left(slot_id slot) const noexcept;
  /// A slot that holds no lease takes none, from the start.
  void spare(slot_id slot) noexcept;

  /// A lease that is held took so long to train; the depth of its kind follows.
  void took(lease_id lease, double seconds) noexcept;
  std::size_t depth(gpu::device_kind kind) const noexcept {
    return depths_[index(kind)].leases;
  }

  /// Puts a lease on the living slot of this kind with the fewest; none if all
  /// are full.
  std::optional<slot_id> claim(
      lease_id lease, client_id client, gpu::device_kind kind, instant now);
  /// The same on those that are for this client alone, of any kind.
  std::optional<slot_id> claim_own(
      lease_id lease, client_id client, instant now);
  /// The slot is done with a lease; false if it is not known (any more).
  bool release(lease_id lease, instant now);
  /// At which slot a lease is, if it is held.
  std::optional<slot_id> slot_of(lease_id lease) noexcept;

  struct holding {
    lease_id lease = 0;
    client_id client = 0;
    slot_id slot = 0;
    instant since{}; ///< running since
  };
  /// The running lease of each living slot.
  std::vector<holding> running() const;
  /// Of this slot.
  std::optional<holding> running(slot_id slot) const;
  /// Every lease that this client holds at living slots.
  std::vector<holding> of(client_id client) const;

  /// A living slot begins with a part of the test set, or is through with it.
  /// Where nothing is trained meanwhile, its first lease runs from the end of
  /// the part.
  void begin_part(slot_id slot, bool alone, instant now);
  void end_part(slot_id slot, instant now);
  struct scoring {
    slot_id slot = 0;
    instant since{};
  };
  /// The slots that are at a part.
  std::vector<scoring> at_parts() const;

  /// The slot did not return in time; all that it held.
  std::vector<holding> lose(slot_id slot);
  /// The slot will never return; all that it held.
  std::vector<holding> die(slot_id slot);
  /// The slot is gone, and was no thread of this process; all that it held.
  std::vector<holding> depart(slot_id slot);
  /// What a lost slot was at with this lease is over: the slot is back. None if
  /// no slot was lost with it.
  std::optional<slot_id> answered(lease_id lease);

  std::size_t alive() const noexcept { return alive_; }
  /// Of this kind, for any client.
  std::size_t alive(gpu::device_kind kind) const noexcept;
  /// Of those that are not alive, whether one may return.
  bool may_return(gpu::device_kind kind) const noexcept;
  std::size_t lost() const noexcept { return lost_; } ///< dead ones, too
  std::size_t held() const noexcept { return where_.size(); }

private:
  enum class life : std::uint8_t { alive, spared, leaving, left, lost, dead };
  struct part {
    instant since{};
    bool alone = true;
  };
  struct slot_state {
    gpu::device_kind kind = gpu::device_kind::cpu;
    life state = life::alive;
    std::deque<holding> queue{};
    std::optional<part> at{};            ///< of the test set
    std::optional<lease_id> lost_with{}; ///< it was at
    std::optional<client_id> only_for{};
  };
  struct pace {
    std::size_t leases = 1;
    double mean_seconds = 0.0; ///< 0: none yet
  };
  static constexpr std::size_t index(gpu::device_kind kind) noexcept {
    return kind == gpu::device_kind::cuda ? 1 : 0;
  }

  static bool serves(const slot_state& slot) noexcept {
    return slot.state == life::alive || slot.state == life::spared ||
           slot.state == life::leaving;
  }
  static bool trains(const slot_state& slot) noexcept {
    return serves(slot) && !slot.queue.empty() && !(slot.at && slot.at->alone);
  }
  template <class Fits>
  std::optional<slot_id> claim_if(
      lease_id lease, client_id client, instant now, const Fits& fits);
  std::vector<holding> empty(slot_state& slot, life then);

  std::vector<slot_state> slots_;
  lease_table<slot_id> where_;
  std::size_t most_;
  std::array<pace, 2> depths_; ///< by kind
  std::size_t alive_;
  std::size_t lost_ = 0;
};

} // namespace troupe::placement
