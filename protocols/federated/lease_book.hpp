#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "protocols/federated/decisions.hpp"
#include "protocols/fields.hpp"

namespace troupe::federated {

inline constexpr lease_id no_lease = std::numeric_limits<lease_id>::max();

enum class lease_state : std::uint8_t {
  open,
  accepted,
  ended,    ///< failed, left, revoked, requeued, or its round was skipped
  outdated, ///< revoked because its base is too many versions back
};

/// A lease that was handed out.
struct lease_entry {
  client_id client = 0;
  lease_state state = lease_state::open;
  version_id base = 0;
  std::uint64_t round = 0; ///< it was made in; once accepted: it counts in
  double share = 0.0;      ///< on the weight grid

  template <class Inspector>
  friend bool inspect(Inspector& f, lease_entry& x) {
    auto state = static_cast<std::uint8_t>(x.state);
    return f.object(x).fields(f.field("client", x.client),
               f.field("state", state), f.field("base", x.base),
               f.field("round", x.round), exactly(f, "share", x.share)) &&
           (x.state = static_cast<lease_state>(state), true);
  }
};

/// The leases that one incarnation of a run has handed out, a window that moves
/// forward: ids and bases only grow, so an id is an index and the oldest leases
/// stand first. An id before the window is known to have ended.
class lease_book {
public:
  void restart(lease_id first) {
    entries_.clear();
    head_ = 0;
    first_ = settled_ = first;
    outstanding_ = 0;
  }

  lease_id open(
      client_id client, version_id base, std::uint64_t round, double share) {
    assert(entries_.empty() || entries_.back().base <= base);
    entries_.push_back({client, lease_state::open, base, round, share});
    ++outstanding_;
    return next() - 1;
  }

  /// None outside the window.
  lease_entry* find(lease_id id) noexcept {
    const auto at = id - first_;
    return at >= head_ && at < entries_.size() ? &entries_[at] : nullptr;
  }

  /// None when this lease is not open.
  lease_entry* find_open(lease_id id) noexcept {
    auto* x = find(id);
    return x && x->state == lease_state::open ? x : nullptr;
  }

  void close(lease_entry& x, lease_state how) noexcept {
    assert(x.state == lease_state::open && how != lease_state::open);
    x.state = how;
    --outstanding_;
  }

  drop_reason reason_to_drop(const arrival& update) noexcept {
    const auto* x = find(update.lease);
    if (!x)
      return update.lease < next() ? drop_reason::late : drop_reason::unknown;
    if (x->client != update.client || x->base != update.base)
      return drop_reason::unknown;
    switch (x->state) {
    case lease_state::open:
      return drop_reason::none;
    case lease_state::accepted:
      return drop_reason::duplicate;
    case lease_state::ended:
      return drop_reason::late;
    case lease_state::outdated:
      return drop_reason::too_stale;
    }
    return drop_reason::unknown;
  }

  /// Ends every open lease whose base is before `oldest`; `each(id, lease)` is
  /// told. Amortised: no lease is looked at twice.
  template <class Each>
  void outdate(version_id oldest, lease_state how, Each each) {
    for (; settled_ < next(); ++settled_) {
      auto& x = entries_[settled_ - first_];
      if (x.base >= oldest)
        return;
      if (x.state == lease_state::open) {
        close(x, how);
        each(settled_, x);
      }
    }
  }

  /// What was accepted into `round` does not count after all.
  void annul(std::uint64_t round) noexcept {
    for (auto i = head_; i < entries_.size(); ++i)
      if (entries_[i].state == lease_state::accepted &&
          entries_[i].round == round)
        entries_[i].state = lease_state::ended;
  }

  /// Forgets the oldest leases, those that ended before `round`.
  void forget(std::uint64_t round) {
    while (head_ < entries_.size() && entries_[head_].round < round &&
           entries_[head_].state != lease_state::open)
      ++head_;
    // Moving what remains no more often than it halves keeps this O(1) a lease.
    if (head_ * 2 > entries_.size()) {
      entries_.erase(entries_.begin(),
          entries_.begin() + static_cast<std::ptrdiff_t>(head_));
      first_ += head_;
      settled_ = settled_ < first_ ? first_ : settled_;
      head_ = 0;
    }
  }

  lease_id next() const noexcept { return first_ + entries_.size(); }
  /// Before it, none is remembered.
  lease_id oldest() const noexcept { return first_ + head_; }
  std::uint64_t outstanding() const noexcept { return outstanding_; }
  std::size_t remembered() const noexcept { return entries_.size() - head_; }

  template <class Inspector>
  friend bool inspect(Inspector& f, lease_book& x) {
    return f.object(x).fields(f.field("entries", x.entries_),
        f.field("head", x.head_), f.field("first", x.first_),
        f.field("settled", x.settled_), f.field("outstanding", x.outstanding_));
  }

private:
  std::vector<lease_entry> entries_; // of the ids first_, first_ + 1, ...
  std::size_t head_ = 0;             // entries before it are forgotten
  lease_id first_ = 0;
  lease_id settled_ = 0; // no lease before it is open
  std::uint64_t outstanding_ = 0;
};

} // namespace troupe::federated
