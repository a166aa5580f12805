#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "gpu/device.hpp"
#include "protocols/ids.hpp"

namespace troupe::placement {

/// Which lease runs on which compute slot. Credits bound what is in flight: a
/// slot takes at most `depth()` leases, the first of which is running. Pure:
/// time is an argument. A lease asks for the kind of device that it is allotted
/// to, so the kinds neither wait for each other nor share a depth.
///
/// A slot should neither wait for its next lease nor hoard leases that another
/// could begin sooner. So its queue holds about a millisecond of work, by the
/// mean of what recent leases took: two leases of a model that trains for
/// longer, hundreds of one that takes microseconds, never more than `most`.
class slot_book {
public:
  /// The slots by the kind of their device; `most` >= 1.
  slot_book(std::vector<gpu::device_kind> slots, std::size_t most);

  /// A lease that is held took so long to train; the depth of its kind follows.
  void took(lease_id lease, double seconds) noexcept;
  std::size_t depth(gpu::device_kind kind) const noexcept {
    return depths_[index(kind)].leases;
  }

  /// Puts a lease on the living slot of this kind with the fewest; none if all
  /// are full.
  std::optional<slot_id> claim(
      lease_id lease, client_id client, gpu::device_kind kind, instant now);
  /// The slot is done with a lease; false if it is not known (any more).
  bool release(lease_id lease, instant now);

  struct holding {
    lease_id lease = 0;
    client_id client = 0;
    slot_id slot = 0;
    instant since{}; ///< running since
  };
  /// The running lease of each living slot.
  std::vector<holding> running() const;
  /// Earliest start among the running leases.
  std::optional<instant> oldest() const;

  /// The slot will not come back; what it held but had not begun.
  std::vector<holding> lose(slot_id slot);

  std::size_t alive() const noexcept { return alive_; }
  std::size_t alive(gpu::device_kind kind) const noexcept;
  std::size_t lost() const noexcept { return slots_.size() - alive_; }
  std::size_t held() const noexcept { return where_.size(); }

private:
  struct slot_state {
    gpu::device_kind kind = gpu::device_kind::cpu;
    bool alive = true;
    std::deque<holding> queue;
  };
  struct pace {
    std::size_t leases = 1;
    double mean_seconds = 0.0; ///< 0: none yet
  };
  static constexpr std::size_t index(gpu::device_kind kind) noexcept {
    return kind == gpu::device_kind::cuda ? 1 : 0;
  }

  std::vector<slot_state> slots_;
  std::unordered_map<lease_id, slot_id> where_;
  std::size_t most_;
  std::array<pace, 2> depths_; ///< by kind
  std::size_t alive_;
};

} // namespace troupe::placement
