#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gpu/random.hpp"
#include "tests/protocols/federated/saved.hpp"
#include "tests/protocols/federated/witness.hpp"

namespace troupe::federated {

/// How much goes wrong: the chances of one step, in percent.
struct trouble {
  std::uint32_t steps = 100; ///< before everything goes well
  std::uint32_t failure = 5;
  std::uint32_t duplicate = 5;
  std::uint32_t forgery = 2;
  std::uint32_t crash = 4;
  std::uint32_t rejoin = 6;
  std::uint32_t requeue = 4;
  std::uint32_t retraction = 2;
  std::uint32_t save = 5;
  std::uint32_t restart = 2;
  std::uint32_t version_made = 30;
  std::uint32_t oversleep = 50; ///< once it is time to wake it
  std::uint32_t alarm = 2;      ///< though it is not
};

/// One random life of a rule: letters are delayed, doubled, forged and lost,
/// time passes, it is woken late and for nothing, clients crash and come back,
/// the run is killed and goes on from a saved state; then everything goes well
/// until it ends. A witness looks on.
template <class Rule>
class history {
public:
  using maker = std::function<Rule(const promise&)>;

  history(std::uint64_t seed, promise what, trouble with, maker make)
      : random_(seed, gpu::stream::user),
        clock_(seed, gpu::stream::user, 5),
        promise_(what),
        trouble_(with),
        make_(std::move(make)),
        rule_(make_(what)),
        witness_(what) {
    state_ = {save(rule_), witness_.saved()};
    for (client_id i = 0; i < promise_.clients; ++i)
      witness_.joins(i);
  }

  /// The first breach of a law, or nothing.
  std::string run() {
    start(false);
    for (std::uint32_t i = 0; i < trouble_.steps && witness_.running(); ++i)
      step();
    // Each round takes no more than a letter a client, waking and a
    // publication, and each letter that is late no more than one.
    auto left = (promise_.common.rounds + 2) * (2 * promise_.clients + 6) +
                letters_.size();
    for (; left > 0 && witness_.running(); --left)
      go_well();
    if (witness_.running())
      return "the run does not end though everything goes well";
    return witness_.violation();
  }

  std::optional<ending> end() const noexcept { return witness_.end(); }
  version_id version() const noexcept { return witness_.version(); }

private:
  bool happens(std::uint32_t percent) { return random_.below(100) < percent; }

  template <class Items>
  std::size_t any(const Items& items) {
    return random_.below(static_cast<std::uint32_t>(items.size()));
  }

  void pass() {
    now_ += std::chrono::milliseconds{clock_.below(1000)};
    witness_.passes(now_);
  }

  void heard() {
    if (said_.wake)
      wake_ = said_.wake;
    for (const auto& g : said_.grants)
      letters_.push_back(update_for(g));
    witness_.decided(said_, figures_of(rule_));
    said_.clear();
  }

  // By the lease: it says the same each time that it comes.
  arrival update_for(const grant& g) const {
    const auto loss = 0.1 * static_cast<double>(1 + g.lease * 7 % 29);
    return {.lease = g.lease,
        .client = g.client,
        .base = g.base,
        .samples = promise_.samples(g.client),
        .loss = loss,
        .square_loss = loss * loss,
        .took = std::chrono::milliseconds{1 + g.lease * 11 % 1009}};
  }

  void step() {
    pass();
    if (is_due() ? clock_.below(100) >= trouble_.oversleep
                 : clock_.below(100) < trouble_.alarm)
      return wake();
    if (witness_.making_a_version() && happens(trouble_.version_made))
      return version_made();
    if (happens(trouble_.failure))
      return fail();
    if (happens(trouble_.forgery))
      return forge();
    if (happens(trouble_.crash))
      return crash();
    if (happens(trouble_.rejoin))
      return rejoin();
    if (happens(trouble_.requeue))
      return requeue();
    if (happens(trouble_.retraction))
      return retract();
    if (happens(trouble_.save))
      state_ = {save(rule_), witness_.saved()};
    if (happens(trouble_.restart))
      return start(happens(50));
    deliver(happens(trouble_.duplicate));
  }

  void go_well() {
    pass();
    if (is_due())
      wake();
    else if (witness_.making_a_version())
      version_made();
    else
      deliver(false);
  }

  bool is_due() const noexcept { return wake_ && now_ >= *wake_; }

  void wake() {
    wake_.reset();
    witness_.wakes();
    rule_.wake(now_, said_);
    heard();
  }

  // From the last saved state; its accumulator may be lost.
  void start(bool buffer_lost) {
    rule_ = make_(promise_);
    wake_.reset();
    restore(rule_, state_.first);
    if (buffer_lost)
      rule_.discard();
    for (client_id i = 0; i < promise_.clients; ++i)
      if (witness_.there(i))
        rule_.join(i, promise_.samples(i), now_, said_);
    witness_.restarts(state_.second, buffer_lost);
    rule_.begin(incarnation_++, now_, said_);
    heard();
  }

  void version_made() {
    witness_.publishes();
    rule_.published(now_, said_);
    heard();
  }

  void deliver(bool again) {
    if (letters_.empty())
      return;
    const auto at = any(letters_);
    const auto letter = letters_[at];
    if (!again)
      remove(at);
    arrive(letter);
  }

  void arrive(const arrival& letter) {
    const auto said = rule_.arrive(letter, now_, said_);
    if (said.accepted())
      counted_.push_back(letter.lease);
    witness_.judged(letter, said);
    heard();
  }

  void forge() {
    auto letter = letters_.empty() ? arrival{} : letters_[any(letters_)];
    switch (random_.below(3)) {
    case 0:
      letter.client = (letter.client + 1) % (promise_.clients + 1);
      break;
    case 1:
      letter.base += 1;
      break;
    default:
      letter.lease += 1 + random_.below(1000);
    }
    arrive(letter);
  }

  void fail() {
    if (letters_.empty())
      return;
    const auto at = any(letters_);
    const auto lease = letters_[at].lease;
    if (happens(50)) // else it comes after all, too late
      remove(at);
    witness_.fails(lease);
    rule_.fail(lease, now_, said_);
    heard();
  }

  void requeue() {
    if (letters_.empty())
      return;
    const auto lease = letters_[any(letters_)].lease;
    witness_.requeues(lease);
    rule_.requeue(lease, now_, said_);
    heard();
  }

  // One of those that counted last; it may have been retracted before.
  void retract() {
    if (counted_.empty())
      return;
    const auto last = std::min<std::size_t>(counted_.size(), 8);
    const auto lease =
        counted_[counted_.size() - 1 -
                 random_.below(static_cast<std::uint32_t>(last))];
    if (!witness_.may_be_retracted(lease))
      return;
    witness_.retracts(lease);
    rule_.retract(lease, now_, said_);
    heard();
  }

  // Mostly somebody stays, so that there is a history to tell.
  void crash() {
    const auto client = random_.below(promise_.clients);
    if (!witness_.there(client) || (witness_.living() == 1 && happens(80)))
      return;
    witness_.leaves(client);
    rule_.leave(client, now_, said_);
    heard();
  }

  void rejoin() {
    const auto client = random_.below(promise_.clients);
    witness_.joins(client);
    rule_.join(client, promise_.samples(client), now_, said_);
    heard();
  }

  void remove(std::size_t at) {
    letters_[at] = letters_.back();
    letters_.pop_back();
  }

  gpu::random_stream random_;
  gpu::random_stream clock_;
  promise promise_;
  trouble trouble_;
  maker make_;
  Rule rule_;
  witness witness_;
  decisions said_;
  instant now_{};
  std::optional<instant> wake_;  // it asked for
  std::vector<arrival> letters_; // of every lease that is out, at least
  std::vector<lease_id> counted_;
  std::pair<saved, witness::durable> state_;
  std::uint64_t incarnation_ = 0;
};

} // namespace troupe::federated
