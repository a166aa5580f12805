#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>

#include "protocols/ids.hpp"

namespace troupe::publication {

struct press_options {
  version_id version = 0;        ///< to start from; stored, if it is not 0
  bool scores = false;           ///< there is somebody to score versions
  version_id evaluate_every = 0; ///< 0: the last version alone
  bool score_first = false;      ///< `version` is due and has no score yet
  double target_accuracy = 0.0;  ///< 0: none
  version_id checkpoint_every = 1;
};

enum class opening : std::uint8_t { none, first, next };

/// What a press wants done, in this order. The caller carries it out and clears
/// it; a press only appends.
struct orders {
  std::optional<version_id> score;
  bool call_off = false; ///< give up all scores that are asked for
  std::optional<version_id> store;
  opening open = opening::none; ///< collect for the next version
  bool reached = false;         ///< a score is the target
};

enum class finish : std::uint8_t {
  completed, ///< score the last version, and store it
  stopped,   ///< store the last version
  failed,    ///< the same, and wait for nobody
};

/// What becomes of a run's versions: when one is scored and stored, and when
/// the next one may begin.
///
///             ┌───────────── made ─────────────┐
///     start   ▼       ask                      │
///     idle ──► open ───────► making ───────────┤
///       │      ▲                               ▼
///       │      └─────────── scored ──────── paused
///       └─ a score comes first    its score may be the last, or two are
///       missing
///
///     made ─► due ────► scoring ──► scored ──► the best so far? ─┐
///       │                   └─────► without a score              │
///       └─► latest ─► waiting ◄──────────────────────────────────┘
///                        └─► storing ─► stored
///
/// One version waits to be stored, a newer one in its place, and the best one
/// beside it, so a slow disk skips versions and never holds up the run. Storing
/// takes a twentieth of the time. A version waits for the scores of those
/// before it, and none is stored behind one that stays without: a resumption
/// starts from there and makes up for it.
///
/// A value: knows no clock, file or actor.
class press {
public:
  press() = default;
  explicit press(press_options options);

  /// Opens the first version, unless a score has to come first.
  void start(instant now, orders& out);
  /// The next version is being made, until made() or unmade().
  void ask() noexcept { phase_ = phase::making; }
  void made(version_id version, instant now, orders& out);
  /// Whoever made it is no more.
  void unmade() noexcept { phase_ = phase::paused; }

  void scored(version_id version, double accuracy, instant now, orders& out);
  /// It will never have a score.
  void unscored(version_id version, instant now, orders& out);
  /// Nobody is left to score; what was asked for is lost.
  void lose_scores(instant now, orders& out);
  /// Scores that are not in by then are given up.
  void bound_scores(instant end) noexcept;

  void stored(version_id version, duration took, instant now, orders& out);
  /// Nothing can be stored any more.
  void lose_storage() noexcept;

  /// The run ends. A worse end may follow, never a better one.
  void end(finish how, instant now, orders& out);
  /// The time of due() has come.
  void wake(instant now, orders& out);
  std::optional<instant> due() const;

  /// Contributions count towards the next version; else they wait.
  bool is_open() const noexcept { return phase_ == phase::open; }
  /// Nothing is under way that the end has to wait for.
  bool idle() const noexcept;
  /// The state of this version may be asked for yet.
  bool needs(version_id version) const;
  /// Its score is asked for, and not in.
  bool awaits_score(version_id version) const;
  std::optional<version_id> scoring() const;
  bool has_score() const noexcept { return scored_ == version_; } ///< the last
  /// Since when scores are given up, if they are.
  std::optional<instant> called_off() const noexcept { return called_off_; }
  version_id version() const noexcept { return version_; }
  version_id best_version() const noexcept { return best_version_; }
  double best_accuracy() const noexcept { return best_accuracy_; }

private:
  enum class phase : std::uint8_t { idle, open, making, paused };

  void score(orders& out);
  void open(instant now, orders& out);
  void call_off(instant now, orders& out);
  void hold_back(version_id unscored);
  void keep_best(version_id version);
  void hand_over();
  void store_when_due(instant now, orders& out);

  press_options options_;
  phase phase_ = phase::idle;
  version_id version_ = 0;            ///< the last one made
  std::optional<version_id> latest_;  ///< made, and not given to be stored
  std::deque<version_id> scoring_;    ///< in this order
  std::set<version_id> may_be_best_;  ///< being scored, and not stored
  std::optional<version_id> asked_;   ///< the last one given to be scored
  std::optional<version_id> scored_;  ///< the last one
  std::optional<version_id> missing_; ///< its score; no later one is stored
  std::optional<instant> bound_;      ///< of scores
  std::optional<instant> called_off_;
  double best_accuracy_ = 0.0;
  version_id best_version_ = 0;
  std::optional<version_id> waiting_; ///< to be stored once its time has come
  std::optional<version_id> best_;    ///< to be stored at once
  std::optional<version_id> storing_;
  instant store_at_{}; ///< the next one, not before
  bool unwritable_ = false;
  std::optional<finish> ending_;
};

} // namespace troupe::publication
