#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gpu/training/learner.hpp"
#include "protocols/membership/quorum.hpp"
#include "protocols/parallel/messages.hpp"
#include "protocols/parallel/state_held.hpp"
#include "protocols/time.hpp"

namespace troupe::parallel {

/// What a mesh is to do, and how it takes losses.
struct mesh_settings {
  step_id steps = 0;          ///< in all
  step_id evaluate_every = 0; ///< 0: only the last
  step_id checkpoint_every = 1;
  double target_accuracy = 0.0; ///< it ends when that is reached; 0: never
  bool scores = true;           ///< there is a test set
  bool scores_first = false;    ///< what it goes on from has no score yet
  std::uint64_t batch = 1;      ///< samples of a step, over all ranks
  std::uint32_t wanted = 1;     ///< ranks, to begin with
  std::uint32_t least = 1;      ///< that it goes on with
  bool open = false;            ///< more may come; else too few are its end
  bool sharded = false;  ///< no rank has the whole state: a loss costs the
                         ///< steps since the last one that was kept
  bool together = false; ///< what is kept is made by all of them
  duration stretch = std::chrono::milliseconds{200}; ///< of steps in one order
  duration patience = std::chrono::seconds{60};      ///< for one answer
  std::uint32_t tries = 5; ///< compositions in a row that make no step
  /// For ranks that are missing; none: for ever.
  std::optional<duration> stands_still{};
  membership::resort then = membership::resort::fail; ///< behind that
};

// What a mesh wants done, in this order.

struct order {
  seat_id seat = 0;
  std::variant<convene, muster, advance, assess, hand_over> what;
};
/// All ranks of the composition are together.
struct formed {
  epoch_id epoch = 0;
  std::vector<seat_id> seats; ///< by rank
  step_id step = 0;
  duration took{};
  std::string why; ///< the one before is no more; empty: it is the first
};
/// These steps have been made. Those of a composition that broke before all had
/// told of them have no sums.
struct stretch {
  step_id first = 0;
  step_id last = 0;
  std::uint32_t ranks = 0;
  advanced sums; ///< over the ranks of its epoch; seconds: of the slowest
};
/// This step's parameters are a version: to be scored or stored, or both.
struct version {
  step_id step = 0;
  std::uint64_t samples = 0; ///< since the one before
  double loss = 0.0;         ///< mean over those of them that ranks told of
  bool scored = false;       ///< it will be
};
struct score {
  step_id step = 0;
  training::evaluation sums;
  double cpu_seconds = 0.0;
  duration took{};
};
/// What ranks have handed over is to be stored.
struct keep {
  step_id step = 0;
};
struct lost {
  seat_id seat = 0;
  std::uint32_t rank = 0;
  step_id step = 0;
  std::string why;
  epoch_id epoch = 0; ///< that it had this rank in
};
/// It stands still until so many are there; or it goes on.
struct waits {
  std::uint32_t have = 0;
  std::uint32_t wanted = 0; ///< 0: for nothing any more
};
/// Nothing is under way, and nothing will be.
struct ended {
  enum class how : std::uint8_t { completed, target_reached, stopped, failed };
  how what = how::completed;
  std::string why;
};
using decision = std::variant<order, formed, stretch, version, score, keep,
    lost, waits, ended>;
using decisions = std::vector<decision>;

/// Which ranks make which steps of a run together, and what becomes of a loss:
///
///     gathering ──enough──► convening ──all have told──► mustering
///        ▲  ▲                 │   ▲                         │ all are in
///        │  └─────too few─────┘   └── lost, broken ──┐      ▼
///        │                                           ├── stepping ◄──┐
///        └── one more is there, at a stretch's end ──┤      │ due    │
///                                                    └── resting ────┘
///                                                           │ scored,
///                                            over ◄─────────┘ handed over
///
/// An epoch is one composition. Steps are ordered by the stretch, two of them
/// ahead, so that no rank waits for an order; a stretch takes a fraction of a
/// second, ends where something is due, and is the most that an interruption
/// waits for. Ranks are by seat, the first at rank 0. When a composition breaks
/// the next one goes on from the rank that has made most steps: others are one
/// behind at most, and take its state.
///
/// A value: knows no clock, thread or actor. Events append decisions.
class mesh {
public:
  mesh() = default;
  /// `at`: what it goes on from; `incarnation` counts starts of the run, so
  /// that epochs are never used again.
  mesh(mesh_settings how, state_held at, std::uint64_t incarnation = 0);

  void begin(instant now, decisions& out);
  /// One more that may take part. Local ones come first as a root.
  void sit(seat_id seat, bool local, instant now, decisions& out);
  /// Of a node that is gone, all its seats at once.
  void leave(const std::vector<seat_id>& seats, const std::string& why,
      instant now, decisions& out);
  void hear(const convened& what, instant now, decisions& out);
  void hear(const mustered& what, instant now, decisions& out);
  void hear(const advanced& what, instant now, decisions& out);
  void hear(const assessed& what, instant now, decisions& out);
  void hear(const handed& what, instant now, decisions& out);
  void hear(const broken& what, instant now, decisions& out);
  /// What was to be kept outlasts any crash.
  void stored(step_id step, decisions& out);
  /// It is to end soon, with what is made then kept.
  void stop(instant now, decisions& out);
  /// It cannot go on.
  void fail(const std::string& why, decisions& out);
  void wake(instant now, decisions& out);

  /// When to wake it; none: not at all.
  std::optional<instant> alarm() const noexcept { return alarm_; }
  step_id made() const noexcept { return made_; }
  epoch_id epoch() const noexcept { return epoch_; }
  bool over() const noexcept { return stage_ == stage::over; }
  std::uint32_t ranks() const noexcept {
    return static_cast<std::uint32_t>(members_.size());
  }
  /// Of a seat in the present composition.
  std::optional<std::uint32_t> rank_of(seat_id seat) const noexcept;
  /// What the ranks are waited for, by seat: whoever owes an answer.
  std::vector<seat_id> awaited() const;
  /// The state that was handed over last.
  const state_held& held() const noexcept { return held_; }
  const training::evaluation& last_score() const noexcept { return score_; }
  step_id scored() const noexcept { return scored_; }
  double best_accuracy() const noexcept { return best_; }
  step_id best_step() const noexcept { return best_step_; }
  /// What it goes on from was scored before, best so far.
  void knows_best(step_id step, double accuracy) noexcept {
    best_step_ = step, best_ = accuracy;
  }

private:
  enum class stage : std::uint8_t {
    idle,
    gathering,
    convening,
    mustering,
    stepping,
    resting,
    ending,
    over
  };
  struct seat_state {
    bool local = true;
    bool has_state = false;
    step_id step = 0;
    std::string at;
    bool owes = false;            ///< an answer to the last order
    std::deque<advanced> reports; ///< of stretches that others are still at
  };

  bool is_member(epoch_id epoch, seat_id seat) const noexcept;
  std::uint32_t first_local() const;
  bool one_more_waits() const noexcept;
  void wait(
      std::uint32_t have, std::uint32_t needed, instant now, decisions& out);
  void wait_no_more(instant now, decisions& out);
  void regroup(const std::string& why, instant now, decisions& out);
  void gather(instant now, decisions& out);
  void convene_all(instant now, decisions& out);
  void muster_all(instant now, decisions& out);
  void go_to(step_id step, decisions& out);
  void go_on(instant now, decisions& out);
  void order_steps(decisions& out);
  bool all_have_reported() const noexcept;
  void settle_stretch(decisions& out);
  void rest(instant now, decisions& out);
  void rise(instant now, decisions& out);
  void finish(decisions& out);
  void end(ended::how what, const std::string& why, decisions& out);
  bool nobody_owes() const noexcept;
  bool due(step_id every) const noexcept;
  bool wants_score() const noexcept;
  bool wants_state() const noexcept;
  step_id next_boundary() const noexcept;

  mesh_settings settings_;
  stage stage_ = stage::idle;
  std::map<seat_id, seat_state> seats_;
  std::vector<seat_id> members_; ///< by rank
  epoch_id epoch_ = 0;
  std::uint32_t tries_ = 0; ///< since the last stretch
  std::string why_;         ///< the last composition is no more
  instant broke_{};         ///< when
  bool begun_ = false;      ///< there has been a composition
  bool waiting_ = false;    ///< for more ranks, and so many were there
  std::uint32_t waiting_have_ = 0;
  instant waiting_since_{};
  std::optional<instant> alarm_; ///< for whoever does not answer

  step_id made_ = 0;
  step_id ordered_ = 0;
  std::deque<step_id> stretches_; ///< under way, by their last step
  step_id pace_ = 1;              ///< steps of a stretch
  bool stopping_ = false;

  std::uint64_t samples_ = 0; ///< since the last version
  double loss_ = 0.0;         ///< sum over these
  step_id published_ = 0;

  bool first_score_ = false;  ///< what it goes on from is to be scored
  instant asked_{};           ///< for the score
  std::uint32_t scoring_ = 0; ///< parts that are missing
  score sums_;
  training::evaluation score_;
  step_id scored_ = 0;
  double best_ = 0.0;
  step_id best_step_ = 0;
  bool reached_ = false; ///< the target

  state_held held_;      ///< handed over, or gone on from
  bool handing_ = false; ///< it is to be handed over anew
  bool storing_ = false; ///< it is on its way to the disk
  step_id stored_ = 0;
};

} // namespace troupe::parallel
