#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/membership/admission.hpp"
#include "protocols/membership/decisions.hpp"
#include "protocols/membership/identities.hpp"
#include "protocols/membership/member.hpp"

namespace troupe::membership {

/// Who is a member of a cluster's run:
///
///                  ┌──────────────── knock ─────────────── left, lost
///                  ▼                                           ▲
///     knock ──► joining ──ready──► member ──drain──► draining  │
///                  │                 │                  │      │
///                  └─────────────────┴──────────────────┴──────┘
///                    goodbye, or drained: left; silent, closed, or never
///                    ready: lost
///
/// A candidate that computes other bits is refused, unless the run takes any
/// fingerprint; one that can compute the run's is sent away to come back so.
///
/// An identity is a name and the key of a certificate; it keeps its id for as
/// long as it is remembered, and has at most one session: a newer one ends the
/// older one at once, in whatever state. In the clear the key is empty, and a
/// name is all there is. Every change has an epoch of its own, greater than
/// all before. Events of a session that is over change nothing and answer
/// false, and so do those that come twice.
///
/// A value: knows no clock, connection or actor. Time never goes back, but
/// across `resume`. Its options are the process's and are not saved.
class membership {
public:
  membership() = default;
  /// `incarnation` counts starts of the run, so that no epoch is used again.
  explicit membership(options here, std::uint64_t incarnation = 0);

  /// Lets it in or refuses it. To be asked again by a session that is in
  /// changes nothing, and the answer is the same.
  verdict knock(const candidate& who, instant now);
  /// It has all that it needs to work: from joining only. None: it is a member.
  std::optional<refusal> ready(
      session_id session, const ability& what, instant now);
  /// A sign of life.
  bool heard(session_id session, instant now);
  /// It is to get no more work: from member only.
  bool drain(std::string_view name, instant now);
  bool drain(node_id id, instant now);
  /// It is drained, or has said goodbye.
  bool left(session_id session, instant now);
  bool lost(session_id session, std::string why, instant now);
  /// Whoever was not heard for `silence`, or not ready in `preparation`, is
  /// lost; their sessions, to close.
  std::vector<session_id> wake(instant now);
  /// Call `wake` then, or later; it may find that somebody was heard since, or
  /// is ready.
  std::optional<instant> due() const noexcept { return due_; }
  /// Nobody is let in any more; those who are in stay.
  void close() noexcept { closed_ = true; }
  /// After loading, in a new process with sessions and a clock of its own:
  /// whoever was there is lost, and may come back.
  void resume(std::uint64_t incarnation, instant now);

  bool is_current(session_id session) const noexcept {
    return sessions_.contains(session);
  }
  /// That this session's messages carry; none once it is over.
  std::optional<epoch_id> epoch_of(session_id session) const noexcept;
  epoch_id epoch() const noexcept { return epoch_; } ///< of the last change
  /// What changed since this was last asked, in order. Not saved.
  std::vector<change> take_changes() { return std::exchange(changes_, {}); }

  bool quorum() const noexcept { return count(state::member) >= here_.wanted; }
  /// Nobody with another fingerprint was ever ready.
  bool promises_bits() const noexcept { return !mixed_; }
  std::vector<member> members() const; ///< all who are known, by id
  std::size_t live() const noexcept { return known_.live(); }
  std::size_t count(state at) const noexcept { return known_.count(at); }

  template <class Inspector>
  friend bool inspect(Inspector& f, membership& x) {
    if (!f.object(x).fields(f.field("epoch", x.epoch_),
            f.field("mixed", x.mixed_), f.field("closed", x.closed_),
            f.field("over", x.over_), f.field("known", x.known_)))
      return false;
    if constexpr (Inspector::is_loading)
      return x.index();
    return true;
  }

protected:
  member* find(session_id session) noexcept;
  std::optional<refusal> objection(const candidate& who);
  verdict admit(const candidate& who, instant now);
  bool start_draining(member* x, instant now);
  bool end(session_id session, state how, std::string why, instant now);
  void note(member& x, state to, change::kind what, instant now);
  void end_session(session_id session);
  void look_by(instant when) noexcept;
  void look_after(const member& x) noexcept;
  std::string fault_of(const member& x, instant now) const;
  bool index();

  options here_;
  epoch_id epoch_ = 0;
  bool mixed_ = false;
  bool closed_ = false;
  identities known_;
  std::map<session_id, node_id> sessions_; // of those who are live
  std::set<session_id> over_;              // the latest of those that are
  std::vector<change> changes_;
  std::optional<instant> due_; // nobody is to be lost before
};

} // namespace troupe::membership
