#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocols/collective/decisions.hpp"

namespace troupe::collective {

/// Brings the ranks of a communicator together, watches that all ask for the
/// same operations, and takes them apart and together again when one is lost:
///
///     gathering ──all there──► naming ──id──► forming ──all in──► running
///      │ ▲ │                     │              │                   │
///      │ │ └─too few─► given_up  │              │                   │
///      │ └───────────────────────┴──dissolve────┴───────────────────┘
///      └ whoever still holds an old epoch is in no new one
///
/// An epoch is one composition and one communicator; its id grows. Within it,
/// operations are numbered from 0, and every member declares each one it is
/// asked for: a declaration that differs from the first one of its number ends
/// the epoch by name instead of a hang, and so does one that is missing after
/// `operation_time`. Ranks are a function of who is there, never of the order
/// in which they came. A newcomer waits for the next epoch.
///
/// A value: knows no clock, thread, actor or NCCL. Every event appends to
/// `decisions`; time never goes back.
class ensemble {
public:
  enum class phase : std::uint8_t {
    gathering,
    naming,
    forming,
    running,
    given_up
  };

  ensemble() = default;
  /// `incarnation` counts starts of whoever owns this, from 0, so that epochs
  /// are never used again.
  explicit ensemble(settings common, std::uint64_t incarnation = 0);

  /// A new incarnation takes its predecessor's place.
  void join(const candidate& who, instant now, decisions& out);
  /// This incarnation of the member is gone. Nothing happens if it was before.
  void leave(
      member_id member, std::uint64_t incarnation, instant now, decisions& out);
  /// Rank 0 has made the id that `decisions::name` asked for.
  void named(epoch_id epoch, member_id member, const gpu::communicator_id& id,
      instant now, decisions& out);
  /// The member has joined the communicator.
  void formed(epoch_id epoch, member_id member, instant now, decisions& out);
  /// The member was asked for this operation.
  drop_reason declare(epoch_id epoch, member_id member, operation_number number,
      const signature& what, instant now, decisions& out);
  /// The member saw an error and has let go of the epoch.
  void fail(epoch_id epoch, member_id member, const std::string& text,
      instant now, decisions& out);
  /// The member has let go of the epoch.
  void released(epoch_id epoch, member_id member, instant now, decisions& out);
  /// Ends the epoch so that whoever came since gets in.
  void regroup(instant now, decisions& out);
  /// The time of `decisions::wake` has come.
  void wake(instant now, decisions& out);

  phase at() const noexcept { return phase_; }
  /// The last one that was begun.
  epoch_id epoch() const noexcept { return epoch_; }
  const settings& common() const noexcept { return common_; }
  std::size_t present() const noexcept { return seats_.size(); }

  template <class Inspector>
  friend bool inspect(Inspector& f, ensemble& x) {
    return f.object(x).fields(f.field("common", x.common_),
        choice(f, "phase", x.phase_, 5), f.field("epoch", x.epoch_),
        f.field("seats", x.seats_), f.field("gone", x.gone_),
        f.field("ranks", x.ranks_), f.field("open", x.open_),
        f.field("due", x.due_), f.field("deadline", x.deadline_),
        f.field("futile", x.futile_), f.field("agreed", x.agreed_));
  }

protected:
  struct place {
    candidate who;
    epoch_id holds = 0;               // until it lets go
    instant release_by{};             // of an epoch that is over
    bool formed = false;              // in this epoch
    operation_number next = 0;        // declared all before
    std::set<operation_number> ahead; // and these

    template <class Inspector>
    friend bool inspect(Inspector& f, place& x) {
      return f.object(x).fields(f.field("who", x.who),
          f.field("holds", x.holds), f.field("release_by", x.release_by),
          f.field("formed", x.formed), f.field("next", x.next),
          f.field("ahead", x.ahead));
    }
  };
  struct operation {
    signature what;
    member_id first = 0; // who declared it
    instant by{};
    std::uint64_t missing = 0;

    template <class Inspector>
    friend bool inspect(Inspector& f, operation& x) {
      return f.object(x).fields(f.field("what", x.what),
          f.field("first", x.first), f.field("by", x.by),
          f.field("missing", x.missing));
    }
  };

  bool live() const noexcept;
  bool seated(const candidate& who) const;
  std::optional<refusal> objection(const candidate& who) const;
  void seat(const candidate& who, instant now, decisions& out);
  drop_reason reason_to_drop(
      epoch_id epoch, member_id member, operation_number number);
  void let_go(epoch_id epoch, member_id member, trouble why,
      const std::string& text, instant now, decisions& out);
  place* member_of(epoch_id epoch, member_id member);
  bool letting_go() const noexcept;
  std::vector<member_id> free() const;
  void settle(instant now, decisions& out);
  void gather(instant now, decisions& out);
  void start(std::vector<member_id> members, instant now, decisions& out);
  void dissolve(trouble why, member_id culprit, std::string text, instant now,
      decisions& out);
  void lose(member_id member, trouble why, instant now, decisions& out);
  void agree(operation_number number, const signature& what, member_id member,
      instant now, decisions& out);
  void check_deadline(instant now, decisions& out);
  void drop_the_slow(instant now, decisions& out);
  void give_up(std::string why, decisions& out);
  void ask_to_wake(instant now, decisions& out) const;
  std::string name(member_id member) const;
  std::string missing_from(operation_number number) const;
  std::string not_formed() const;
  std::string too_few(std::size_t came) const;

  settings common_;
  phase phase_ = phase::gathering;
  epoch_id epoch_ = 0;
  std::map<member_id, place> seats_;
  std::map<member_id, std::uint64_t> gone_; // last incarnation
  std::vector<member_id> ranks_;            // of this epoch
  std::map<operation_number, operation> open_;
  std::deque<operation_number> due_; // by deadline; may be closed already
  instant deadline_{};               // of this phase; running has none
  std::uint32_t futile_ = 0;         // epochs in a row
  bool agreed_ = false;              // on an operation of this epoch
};

} // namespace troupe::collective
