#include "actors/aggregator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/guard.hpp"
#include "protocols/errc.hpp"

// How a version is made, scored and stored.

namespace troupe {
namespace {

// Storing may take this part of the time, so that quick rounds are not spent on
// checkpoints that nobody will need.
constexpr double storing_part = 0.05;
// But one stall of the disk must not leave the run without for long.
constexpr double longest_pause = 10.0;

} // namespace

void aggregator_state::receive(published& what) {
  const auto plan = *std::exchange(rounding_, std::nullopt);
  auto before = std::exchange(last_publication_, now_);
  if (before == instant{})
    before = first_lease_;
  version_ = what.version;
  parameters_ = std::move(what.parameters);
  auto total = rule_.accepted();
  tell(facts::published{version_, plan.round, open_.updates(), total,
      open_.loss(), seconds(now_ - before)});
  open_.clear();
  note_state();
  if (ending_) {
    store_version();
    settle();
    return;
  }
  auto every = options_.evaluate_every;
  bool due = cast_->judge && every > 0 && version_ % every == 0;
  if (due)
    judge_version();
  // Neither pile up versions to be scored, nor pass one that may be the last.
  paused_ = due && (options_.target_accuracy > 0.0 || judging_.size() > 1);
  if (!paused_)
    go_on();
}

void aggregator_state::go_on() {
  paused_ = false;
  if (!begun_) {
    begin_rule();
    return;
  }
  decide([&](auto& rule, auto& out) { rule.published(now_, out); });
  auto every = options_.checkpoint_every;
  if (every > 0 && version_ % every == 0)
    store_version();
  carry_out();
  for (auto& one : std::exchange(early_, {}))
    if (rounding_ || paused_)
      early_.push_back(std::move(one));
    else if (!ending_)
      judge(one);
}

void aggregator_state::judge_version() {
  if (!cast_->judge || judged_version_ == version_)
    return;
  judged_version_ = version_;
  judging_.push_back(version_);
  if (state_)
    judged_.emplace(version_, *state_);
  send(self_, cast_->judge, evaluate{version_, parameters_});
}

// The evaluator answers for what is under way once every slot has let go.
void aggregator_state::call_off_scores() {
  scores_until_.reset();
  if (called_off_ || !cast_->judge)
    return;
  called_off_ = now_;
  wake_by(now_ + options_.stop_grace);
  if (!judging_.empty())
    hold_back(judging_.front());
  send(self_, cast_->judge, interrupt{});
}

// Whatever is at a part has been told to stop, but nobody will hear of it.
void aggregator_state::lose_scores() {
  called_off_ = now_;
  if (!judging_.empty())
    hold_back(judging_.front());
  judging_.clear();
  for (const auto& each : slots_.at_parts())
    slots_.end_part(each.slot, now_);
}

// A resumption goes on from the first version that has no score, or nobody
// would make up for it.
void aggregator_state::hold_back(version_id unscored) {
  if (unscored_)
    return;
  unscored_ = unscored;
  if (next_store_ && next_store_->version > unscored)
    next_store_.reset();
  auto found = judged_.find(unscored);
  if (found != judged_.end() && storing_ != unscored)
    next_store_ = found->second;
}

void aggregator_state::receive(const scored& what) {
  judging_.pop_front();
  report_.compute_seconds += what.cpu_seconds;
  if (what.failed) {
    hold_back(what.version);
    if (what.failed != errc::stopped)
      end(run_outcome::failed,
          caf::make_error(errc::evaluation_failed,
              fmt::format("version {} could not be evaluated: {}", what.version,
                  text(what.failed))));
    store_when_due();
    settle();
    return;
  }
  tell(facts::evaluated{what.version, what.sums.samples, what.sums.loss(),
      what.sums.accuracy(), what.seconds});
  scored_version_ = what.version;
  last_score_ = what.sums;
  if (what.sums.accuracy() > report_.best_accuracy) {
    report_.best_accuracy = what.sums.accuracy();
    report_.best_version = what.version;
    store_best(what.version);
  }
  judged_.erase(what.version);
  flush();
  bool reached = options_.target_accuracy > 0.0 &&
                 what.sums.accuracy() >= options_.target_accuracy;
  if (reached)
    end(run_outcome::target_reached);
  if (paused_ && !ending_)
    go_on();
  store_when_due();
  settle();
}

// What a resumption needs, taken while no update of the next version is in it.
void aggregator_state::note_state() {
  state_ = store{version_, parameters_, rule_.save(), facts_.last(),
      rule_.accepted(), false};
}

void aggregator_state::store_version() {
  if (!state_)
    return;
  auto what = std::move(*std::exchange(state_, std::nullopt));
  if (unscored_ && what.version > *unscored_)
    return;
  what.will_be_scored = !judging_.empty() && judging_.back() == what.version;
  // A newer version takes the place of one that waits: a slow disk skips
  // versions, it never makes the run wait or pile them up.
  next_store_ = std::move(what);
  store_when_due();
}

// The best version has a checkpoint, however seldom others get one.
void aggregator_state::store_best(version_id version) {
  auto found = judged_.find(version);
  if (found == judged_.end() || storing_ == version)
    return;
  if (next_store_ && next_store_->version == version)
    next_store_.reset();
  if (state_ && state_->version == version)
    state_.reset();
  best_store_ = std::move(found->second);
  store_when_due();
}

// A version waits for the scores of those before it, or a resumption would
// never make up for them.
void aggregator_state::store_when_due() {
  if (storing_ || unwritable_ || (!best_store_ && !next_store_))
    return;
  if (!best_store_) {
    if (!judging_.empty() && judging_.front() < next_store_->version)
      return;
    if (now_ < next_store_at_ && !ending_) {
      wake_by(next_store_at_);
      return;
    }
  }
  auto& next = best_store_ ? best_store_ : next_store_;
  storing_ = next->version;
  flush();
  send(self_, cast_->book, std::move(*std::exchange(next, std::nullopt)));
}

void aggregator_state::receive(const stored& what) {
  storing_.reset();
  judged_.erase(what.version);
  tell(facts::stored{what.version, what.sha256, what.seconds});
  next_store_at_ =
      now_ + from_seconds(std::min(what.seconds / storing_part, longest_pause));
  store_when_due();
  settle();
}

// The scribe writes no more, and so answers no more.
void aggregator_state::lose_storage() {
  unwritable_ = true;
  storing_.reset();
}

void aggregator_state::receive(const storage_failed& what) {
  lose_storage();
  end(run_outcome::failed, caf::make_error(errc::storage_failed, what.why));
  settle();
}

} // namespace troupe
