#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocols/collective/decisions.hpp"

namespace troupe::collective {

/// One operation that a member is asked for.
struct order {
  epoch_id epoch = 0;
  operation_number number = 0;
  signature what;

  template <class Inspector>
  friend bool inspect(Inspector& f, order& x) {
    return f.object(x).fields(f.field("epoch", x.epoch),
        f.field("number", x.number), f.field("what", x.what));
  }
};

/// What became of an order. Append-only.
enum class outcome : std::uint8_t {
  done,
  old_epoch, ///< that epoch is over, or not this member's
  duplicate, ///< the number was asked for before; that one goes on
  aborted,   ///< the epoch ended first
};
inline constexpr std::uint8_t outcomes = 4;
const char* to_string(outcome how) noexcept;

struct answer {
  epoch_id epoch = 0;
  operation_number number = 0;
  outcome how = outcome::done;
  trouble why = trouble::none; ///< aborted
  std::string text;
};

/// An epoch that is over.
struct closing {
  epoch_id epoch = 0;
  trouble why = trouble::none;
  std::string text;
};

/// What a member tells its ensemble.
struct report {
  enum class kind : std::uint8_t { formed, failed, released };
  kind what = kind::formed;
  epoch_id epoch = 0;
  std::string text; ///< failed
};

/// What a sequence wants done after an event, in this order.
struct steps {
  std::optional<closing> drop; ///< abort its communicator, now
  std::vector<answer> answers;
  std::vector<report> reports;
  std::optional<epoch_id> form; ///< begin to join a communicator
  std::optional<epoch_id> opened;
  std::vector<order> declared;
  std::optional<order> issue;
  std::optional<instant> wake; ///< the next time that counts, if any

  void clear() { *this = {}; }
};

/// One member's part: what its one issuing actor may do with its communicator.
///
///     idle ──form──► joining ──formed──► open ──┐
///      ▲ ▲              │                       │
///      │ └──────────────┴── dissolve, broke, ───┘
///      └── a later form    deadline
///
/// Orders may come early and in any order; they are issued by number, one call
/// at a time, and never in another epoch than theirs: so no thread's timing can
/// make two GPUs wait for each other. Each is answered within `operation_time`,
/// whether or not anybody else lives. At most one epoch is live. A value, as
/// the ensemble is.
class sequence {
public:
  sequence() = default;
  explicit sequence(settings common) : common_(common) {}

  /// Join this epoch; an older one that is live ends first. Late and repeated
  /// ones do nothing.
  void form(epoch_id epoch, instant now, steps& out);
  /// The communicator is ready for its first call.
  void formed(epoch_id epoch, instant now, steps& out);
  /// Asked for an operation; true if an answer will follow by a later step.
  bool submit(const order& what, instant now, steps& out);
  /// NCCL is through with the call; the next one may follow.
  void issued(epoch_id epoch, operation_number number, instant now, steps& out);
  /// The device has done it.
  void completed(
      epoch_id epoch, operation_number number, instant now, steps& out);
  /// The communicator reported an error, or an issue failed.
  void broke(epoch_id epoch, const std::string& text, instant now, steps& out);
  /// The ensemble has ended this epoch.
  void dissolve(epoch_id epoch, trouble why, const std::string& text,
      instant now, steps& out);
  void wake(instant now, steps& out);

  /// The live epoch; 0 when there is none.
  epoch_id epoch() const noexcept { return live_; }
  bool open() const noexcept { return live_ != 0 && open_; }
  /// Orders without an answer.
  std::size_t outstanding() const noexcept {
    return waiting_.size() + flying_.size();
  }

  template <class Inspector>
  friend bool inspect(Inspector& f, sequence& x) {
    return f.object(x).fields(f.field("common", x.common_),
        f.field("live", x.live_), f.field("last", x.last_),
        f.field("is_open", x.open_), f.field("next", x.next_),
        f.field("calling", x.calling_), f.field("waiting", x.waiting_),
        f.field("flying", x.flying_), f.field("due", x.due_),
        f.field("deadline", x.deadline_));
  }

protected:
  using due = std::pair<operation_number, instant>;

  void close(trouble why, const std::string& text, steps& out);
  void settle(steps& out);
  void issue_next(steps& out);
  void forget_answered();
  bool answered(operation_number number) const;
  std::string overdue(operation_number number) const;

  settings common_;
  epoch_id live_ = 0;
  epoch_id last_ = 0; // heard of
  bool open_ = false;
  operation_number next_ = 0; // to be issued
  bool calling_ = false;      // NCCL is at the last one
  std::map<operation_number, signature> waiting_;
  std::map<operation_number, signature> flying_;
  std::deque<due> due_; // by time; may be answered already
  instant deadline_{};  // for joining
};

} // namespace troupe::collective
