#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gpu/random.hpp"
#include "protocols/publication/press.hpp"

namespace troupe::publication {

/// One life of a press in a random world: versions are made, scored and stored
/// in their own time, scores and disks fail, the run is stopped. run() says the
/// first promise that was broken; nothing if all were kept.
template <class Press>
class history {
public:
  explicit history(std::uint64_t seed)
      : random_(seed, gpu::stream::user, 7),
        options_(draw()),
        press_(options_) {}

  std::string run() {
    orders out;
    press_.start(now_, out);
    follow(out);
    const auto steps = 1 + random_.below(200);
    for (std::uint32_t i = 0; i < steps && broken_.empty() && !ending_; ++i)
      step();
    if (!ending_)
      end(drawn_end());
    while (broken_.empty() && (making_ || !scoring_.empty() || storing_))
      answer_something();
    if (broken_.empty())
      look_back();
    return broken_;
  }

private:
  press_options draw() {
    press_options result;
    result.version = random_.below(3);
    result.scores = random_.below(5) > 0;
    result.evaluate_every = random_.below(4);
    result.score_first = result.scores && random_.below(4) == 0;
    result.target_accuracy = random_.below(3) == 0 ? 0.8 : 0.0;
    result.checkpoint_every = 1 + random_.below(4);
    return result;
  }

  void step() {
    now_ += std::chrono::milliseconds{random_.below(3000)};
    if (auto due = press_.due(); due && now_ >= *due) {
      orders out;
      press_.wake(now_, out);
      follow(out);
    }
    if (press_.is_open() && !making_ && random_.below(3) > 0)
      ask();
    else if (random_.below(60) == 0)
      end(drawn_end());
    else
      answer_something();
  }

  // A rule is done between two versions.
  finish drawn_end() {
    const auto how = finish{static_cast<std::uint8_t>(random_.below(3))};
    return making_ && how == finish::completed ? finish::stopped : how;
  }

  void ask() {
    press_.ask();
    making_ = true;
  }

  void answer_something() {
    now_ += std::chrono::milliseconds{random_.below(3000)};
    orders out;
    const auto which = random_.below(3);
    if (which == 0 && making_) {
      making_ = false;
      opened_ = false;
      states_.insert(++version_);
      press_.made(version_, now_, out);
      unopened_ = !ending_;
    } else if (which == 1 && !scoring_.empty()) {
      score(out);
    } else if (which == 2 && storing_) {
      const auto version = *std::exchange(storing_, std::nullopt);
      stored_.insert(version);
      press_.stored(
          version, std::chrono::milliseconds{random_.below(900)}, now_, out);
    }
    follow(out);
    if (!ending_ && !making_ && scoring_.empty() && unopened_)
      expect(press_.is_open(), "waits for nothing and does not open");
  }

  void score(orders& out) {
    const auto version = scoring_.front();
    scoring_.pop_front();
    if (called_off_ || random_.below(40) == 0) {
      missing_ = missing_ ? missing_ : version;
      press_.unscored(version, now_, out);
      follow(out);
      out = {};
      if (!called_off_)
        end(finish::failed);
      return;
    }
    const auto accuracy = 0.01 * random_.below(90);
    scores_[version] = accuracy;
    if (accuracy > best_) {
      best_ = accuracy;
      best_version_ = version;
    }
    press_.scored(version, accuracy, now_, out);
    expect(!out.reached || accuracy >= options_.target_accuracy,
        "is content with less than the target");
    if (out.reached) {
      follow(out);
      out = {};
      end(finish::stopped);
    }
  }

  void end(finish how) {
    last_ = how;
    ending_ = true;
    orders out;
    press_.end(how, now_, out);
    follow(out);
  }

  void follow(const orders& out) {
    if (out.score) {
      expect(asked_.empty() || *asked_.rbegin() < *out.score,
          fmt::format("has version {} scored twice", *out.score));
      asked_.insert(*out.score);
      scoring_.push_back(*out.score);
    }
    called_off_ = called_off_ || out.call_off;
    if (out.store)
      store(*out.store);
    std::erase_if(states_, [this](auto v) { return !press_.needs(v); });
    expect(states_.size() <= 6, "hoards states");
    if (out.open == opening::none)
      return;
    unopened_ = false;
    expect(!std::exchange(opened_, true), "opens one version twice");
    expect(out.open == (begun_ ? opening::next : opening::first),
        "begins at the wrong time");
    begun_ = true;
    expect(options_.target_accuracy == 0.0 || scoring_.empty(),
        "passes a version that may be the last");
    expect(scoring_.size() < 3, "piles up versions to be scored");
  }

  void store(version_id version) {
    expect(!storing_, "stores two versions at once");
    expect(states_.erase(version) > 0,
        fmt::format("stores version {}, whose state is gone", version));
    storing_ = version;
    if (version == best_version_)
      return;
    expect(scoring_.empty() || scoring_.front() >= version,
        fmt::format("stores version {} ahead of a score", version));
    expect(!missing_ || version <= *missing_,
        fmt::format("stores version {} behind one without a score", version));
  }

  void look_back() {
    expect(press_.idle(), "is never idle");
    if (last_ == finish::failed || missing_)
      return;
    const auto made = version_ > options_.version;
    expect(!made || stored_.contains(version_), "leaves the last one unstored");
    expect(best_version_ <= options_.version || stored_.contains(best_version_),
        "leaves the best one unstored");
    if (last_ == finish::completed && options_.scores)
      expect(scores_.contains(version_), "leaves the last one unscored");
    expect(press_.best_version() == best_version_, "forgets the best one");
  }

  void expect(bool kept, const std::string& else_says) {
    if (!kept && broken_.empty())
      broken_ = else_says;
  }

  gpu::random_stream random_;
  press_options options_;
  Press press_;
  instant now_{};
  version_id version_ = options_.version;
  bool making_ = false;
  bool begun_ = false;
  bool opened_ = false;   // the version at hand
  bool unopened_ = false; // it has been made, and has to open yet
  bool ending_ = false;
  bool called_off_ = false;
  finish last_ = finish::completed;
  std::set<version_id> states_; // that the press needs
  std::set<version_id> asked_;
  std::deque<version_id> scoring_;
  std::map<version_id, double> scores_;
  std::optional<version_id> missing_;
  std::optional<version_id> storing_;
  std::set<version_id> stored_;
  double best_ = 0.0;
  version_id best_version_ = 0;
  std::string broken_;
};

} // namespace troupe::publication
