#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gpu/buffer.hpp"
#include "protocols/federated/decisions.hpp"
#include "protocols/placement/allotment.hpp"
#include "protocols/placement/lease_table.hpp"
#include "protocols/placement/slot_book.hpp"

namespace troupe::placement {

struct desk_options {
  std::vector<gpu::device_kind> slots; ///< by slot id
  std::size_t depth = 2;               ///< leases in flight a slot, at most
  std::size_t adding = 1; ///< contributions under way beside them, at most
  allotment kinds;        ///< of device, by client
  duration part_time{};   ///< that a part of the test set may take; 0: any
  duration stop_grace = std::chrono::seconds{2};
};

/// A lease's place at a slot.
struct seat {
  federated::grant grant;
  gpu::shared_buffer base;
  slot_id slot = 0;
  std::uint64_t turn = 0; ///< of this lease at the slot: 0, 1, 2...
};

/// A lease that a slot held when the slot, or its client, went away.
struct left_over {
  seat at;
  bool open = false; ///< it was not to stop
  /// So many nodes were lost while they trained its client that it is to blame.
  bool poisonous = false;
};

/// A lease at a slot that is not wanted any more.
struct stopping {
  lease_id lease = 0;
  client_id client = 0;
};

/// What has taken too long.
struct overdue {
  enum class kind : std::uint8_t {
    lease,         ///< longer than it was granted
    stopped_lease, ///< to answer its stop token: the slot is to be lost
    part,          ///< of the test set
    stopped_part,  ///< likewise
  };
  kind what = kind::lease;
  slot_book::holding of; ///< its slot alone, for a part
  duration allowed{};
};

/// Slots of one kind of device that are all lost, for longer than a grace.
struct desertion {
  gpu::device_kind kind = gpu::device_kind::cpu;
  slot_id slot = 0; ///< the last one
  std::string why;  ///< that one was lost
};

/// Which lease waits, which one is at which slot, and who has taken too long.
///
///               next            answered
///     waiting ───────► at a slot ───────► gone
///        │              │  │ lose, die        ▲
///        │ revoke       │  └──► left over     │ answered
///        ▼              └─revoke─► stopping ──┤
///       gone                          └───────┘ lose: its slot did not heed it
///
/// Leases at slots and contributions elsewhere share one bound on memory. A
/// kind of device whose slots are full holds up no other. The last slot of a
/// kind that is lost has a grace in which it may return yet.
///
/// A resident, for whom slots were ever added alone, sits there and nowhere
/// else, and nobody else sits there. While it has none its leases wait, and
/// hold up nobody. That its node is lost is nobody's fault.
///
/// A value: knows no clock and no actor, time is an argument. Whom to tell to
/// stop it says in `take_stopping`.
class desk {
public:
  desk() : desk(desk_options{}) {}
  explicit desk(desk_options options);

  /// Takes a lease in, to train from `base`.
  void wait(const federated::grant& what, gpu::shared_buffer base);
  /// Seats one that waits, if a slot and memory are free; `elsewhere`
  /// contributions are under way beside those at slots.
  std::optional<seat> next(std::size_t elsewhere, instant now);

  struct answer {
    bool known = false;              ///< it was at a living slot
    gpu::shared_buffer base;         ///< that it started from
    std::optional<slot_id> returned; ///< a lost slot that is back by it
    std::optional<slot_id> left;     ///< a retired one that is free by it
    std::uint32_t work = 0;          ///< that it was granted
  };
  /// A slot is through with a lease, which took it so long.
  answer answered(lease_id lease, std::optional<double> seconds, instant now);

  /// A lease is not wanted any more: it leaves the queue, or is to stop. Whose
  /// it is; none if it is not here (any more).
  std::optional<client_id> revoke(lease_id lease, instant now);
  /// No lease is, and none will be; answers may take so long.
  void close(duration stop_grace, instant now);

  /// Leases that are to stop since this was last asked, each once.
  std::vector<stopping> take_stopping() { return std::exchange(stopping_, {}); }

  /// One more slot, for any client or for this one alone; its id.
  slot_id add(
      gpu::device_kind kind, std::optional<client_id> only_for = std::nullopt);
  std::optional<client_id> only_for(slot_id slot) const noexcept {
    return slots_.only_for(slot);
  }
  /// A slot takes no more leases. True: it holds none either, and has left.
  bool retire(slot_id slot);
  bool has_left(slot_id slot) const noexcept { return slots_.has_left(slot); }
  /// A slot that holds nothing takes no leases, only parts of the test set.
  void spare(slot_id slot) noexcept { slots_.spare(slot); }
  /// A lease waits for a kind of device of which there is no slot.
  bool lacks_slots() const noexcept;

  /// A slot begins with a part of the test set, or is through with it.
  void begin_part(slot_id slot, bool alone, instant now);
  void end_part(slot_id slot, instant now);
  /// All parts were told to stop.
  void stop_parts(instant now);
  /// Nobody will say any more what becomes of parts.
  void forget_parts(instant now);

  /// Everything that is overdue now, and what to do about it is the caller's.
  std::vector<overdue> late(instant now);
  std::vector<desertion> deserted(instant now);
  /// Look for them then, or later.
  std::optional<instant> due() const noexcept { return due_; }

  /// The slot did not return in time, or never will; all that it held.
  std::vector<left_over> lose(slot_id slot, std::string why, instant now);
  std::vector<left_over> die(slot_id slot);
  /// The slot has gone with its node, which was lost or has left in order.
  std::vector<left_over> depart(slot_id slot, bool lost);
  /// Every lease that this client has at a slot.
  std::vector<left_over> of(client_id client);

  /// A slot of this kind, for any client, is alive, or may return yet.
  bool has(gpu::device_kind kind) const noexcept;
  std::size_t alive() const noexcept { return slots_.alive(); }
  std::size_t alive(gpu::device_kind kind) const noexcept {
    return slots_.alive(kind);
  }
  std::size_t lost() const noexcept { return slots_.lost(); }
  std::size_t held() const noexcept { return slots_.held(); }

private:
  struct waiting {
    federated::grant grant;
    gpu::shared_buffer base;
  };
  struct record {
    federated::grant grant{};
    gpu::shared_buffer base{};
    std::uint64_t turn = 0;
    std::optional<instant> stopped{}; ///< when it was to
  };
  struct absence {
    instant since{};
    slot_id slot = 0;
    std::string why{};
  };

  using waiting_line = std::deque<waiting>;

  std::optional<seat> next_at_home(instant now);
  std::optional<seat> take_seat(waiting_line& from, slot_id slot, instant now);
  waiting_line& queue_of(client_id client);
  static std::optional<client_id> erase_from(
      waiting_line& line, lease_id lease);
  bool has_room(std::size_t elsewhere) const noexcept;
  seat seated(waiting&& what, slot_id slot);
  void stop(record& what, instant now);
  std::vector<left_over> taken_from(
      const std::vector<slot_book::holding>& holdings);
  std::optional<instant> end_of(const slot_book::holding& running);
  void late_leases(instant now, std::vector<overdue>& out);
  void late_parts(instant now, std::vector<overdue>& out);
  void look_by(instant when) noexcept;

  desk_options options_;
  slot_book slots_;
  std::vector<std::uint64_t> turns_; ///< leases seated, by slot
  std::map<gpu::device_kind, waiting_line> queues_;
  std::set<client_id> residents_;
  std::map<client_id, waiting_line> at_home_; ///< for a resident's slots
  lease_table<record> held_;
  std::vector<stopping> stopping_;
  std::map<gpu::device_kind, absence> absent_;
  std::map<client_id, unsigned> deaths_; ///< of nodes that trained it
  std::optional<instant> parts_stopped_;
  std::optional<instant> due_;
  bool closed_ = false;
};

} // namespace troupe::placement
