#include "protocols/publication/press.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

namespace troupe::publication {
namespace {

// Storing may take this part of the time, so that quick rounds are not spent on
// checkpoints that nobody will need.
constexpr int storing_part = 20;
// But one stall of the disk must not leave the run without for long.
constexpr duration longest_pause = std::chrono::seconds{10};

} // namespace

press::press(press_options options)
    : options_(std::move(options)), version_(options_.version) {}

void press::start(instant now, orders& out) {
  if (options_.score_first)
    score(out);
  if (scoring_.empty() || options_.target_accuracy == 0.0)
    open(now, out);
}

void press::made(version_id version, instant now, orders& out) {
  version_ = version;
  latest_ = version;
  phase_ = phase::paused;
  if (ending_) {
    hand_over();
    return store_when_due(now, out);
  }
  const auto every = options_.evaluate_every;
  const auto due = options_.scores && every > 0 && version % every == 0;
  if (due)
    score(out);
  // Two versions that wait for their scores are enough, and the score of this
  // one may be the target.
  if (!due || (options_.target_accuracy == 0.0 && scoring_.size() < 2))
    open(now, out);
}

void press::open(instant now, orders& out) {
  out.open = phase_ == phase::idle ? opening::first : opening::next;
  phase_ = phase::open;
  const auto every = options_.checkpoint_every;
  if (every == 0 || version_ % every != 0)
    return;
  hand_over();
  store_when_due(now, out);
}

void press::score(orders& out) {
  if (!options_.scores || asked_ == version_)
    return;
  asked_ = version_;
  scoring_.push_back(version_);
  if (latest_)
    may_be_best_.insert(*latest_);
  out.score = version_;
}

void press::scored(
    version_id version, double accuracy, instant now, orders& out) {
  assert(scoring() == version);
  scoring_.pop_front();
  scored_ = version;
  if (accuracy > best_accuracy_) {
    best_accuracy_ = accuracy;
    best_version_ = version;
    keep_best(version);
  }
  may_be_best_.erase(version);
  out.reached =
      options_.target_accuracy > 0.0 && accuracy >= options_.target_accuracy;
  const auto waits = phase_ == phase::idle || phase_ == phase::paused;
  if (waits && !ending_ && !out.reached)
    open(now, out);
  store_when_due(now, out);
}

void press::unscored(version_id version, instant now, orders& out) {
  assert(scoring() == version);
  scoring_.pop_front();
  hold_back(version);
  store_when_due(now, out);
}

void press::lose_scores(instant now, orders& out) {
  called_off_ = now;
  if (!scoring_.empty())
    hold_back(scoring_.front());
  scoring_.clear();
  store_when_due(now, out);
}

void press::bound_scores(instant end) noexcept {
  if (!scoring_.empty() && !called_off_)
    bound_ = end;
}

void press::call_off(instant now, orders& out) {
  bound_.reset();
  if (called_off_ || !options_.scores)
    return;
  called_off_ = now;
  out.call_off = true;
  if (!scoring_.empty())
    hold_back(scoring_.front());
}

// A resumption goes on from the first version that has no score, or nobody
// would make up for it.
void press::hold_back(version_id unscored) {
  if (missing_)
    return;
  missing_ = unscored;
  if (waiting_ && *waiting_ > unscored)
    waiting_.reset();
  if (!may_be_best_.contains(unscored) || storing_ == unscored)
    return;
  if (latest_ == unscored)
    latest_.reset();
  waiting_ = unscored;
}

// The best version has a checkpoint, however seldom others get one.
void press::keep_best(version_id version) {
  if (!may_be_best_.contains(version) || storing_ == version)
    return;
  if (waiting_ == version)
    waiting_.reset();
  if (latest_ == version)
    latest_.reset();
  best_ = version;
}

void press::hand_over() {
  const auto version = std::exchange(latest_, std::nullopt);
  if (version && (!missing_ || *version <= *missing_))
    waiting_ = version;
}

void press::store_when_due(instant now, orders& out) {
  if (storing_ || unwritable_ || (!best_ && !waiting_))
    return;
  if (!best_) {
    if (!scoring_.empty() && scoring_.front() < *waiting_)
      return;
    if (now < store_at_ && !ending_)
      return;
  }
  storing_ = std::exchange(best_ ? best_ : waiting_, std::nullopt);
  out.store = storing_;
}

void press::stored(
    version_id version, duration took, instant now, orders& out) {
  storing_.reset();
  may_be_best_.erase(version);
  store_at_ = now + std::min(took * storing_part, longest_pause);
  store_when_due(now, out);
}

void press::lose_storage() noexcept {
  unwritable_ = true;
  storing_.reset();
}

void press::end(finish how, instant now, orders& out) {
  const auto first = !ending_;
  ending_ = ending_ ? std::max(*ending_, how) : how;
  if (first && how == finish::completed)
    score(out);
  if (*ending_ == finish::failed)
    call_off(now, out);
  if (!first)
    return;
  hand_over();
  store_when_due(now, out);
}

void press::wake(instant now, orders& out) {
  if (bound_ && now >= *bound_)
    call_off(now, out);
  store_when_due(now, out);
}

std::optional<instant> press::due() const {
  auto result = bound_;
  const auto waits = waiting_ && !storing_ && !unwritable_ && !ending_ &&
                     (scoring_.empty() || scoring_.front() >= *waiting_);
  if (waits)
    result = result ? std::min(*result, store_at_) : store_at_;
  return result;
}

bool press::idle() const noexcept {
  if (!scoring_.empty())
    return false;
  return ending_ == finish::failed || (phase_ != phase::making && !storing_);
}

bool press::needs(version_id version) const {
  return latest_ == version || waiting_ == version || best_ == version ||
         may_be_best_.contains(version);
}

bool press::awaits_score(version_id version) const {
  return !called_off_ && std::ranges::find(scoring_, version) != scoring_.end();
}

std::optional<version_id> press::scoring() const {
  return scoring_.empty() ? std::nullopt : std::optional{scoring_.front()};
}

} // namespace troupe::publication
