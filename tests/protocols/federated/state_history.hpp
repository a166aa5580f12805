#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gpu/random.hpp"
#include "protocols/federated/rule.hpp"
#include "protocols/state_table.hpp"

namespace troupe::federated {

/// One random life of a rule whose clients have states: each lists the leases
/// that led to it, so that a state shows what it is built on. Leases fail, are
/// lost and answered twice, clients come and go, rounds are skipped, and the
/// run is killed and goes on from a version.
template <class States>
class state_history {
public:
  state_history(std::uint64_t seed, rule what, client_id clients)
      : random_(seed, gpu::stream::user, 7),
        fresh_(std::move(what)),
        there_(clients, true) {
    saved_.rule = fresh_.save();
  }

  /// The first breach of a promise, or nothing.
  std::string run() {
    start();
    for (int i = 0; i < 400 && !ended_ && wrong_.empty(); ++i)
      step();
    return wrong_;
  }

  std::uint64_t versions() const noexcept { return versions_; }
  std::uint64_t built_on() const noexcept { return built_on_; }
  std::uint64_t made_anew() const noexcept { return made_anew_; }

private:
  using leases = std::vector<float>; // their numbers, in order
  using by_client = std::map<client_id, leases>;
  struct flight {
    grant of;
    leases given;
  };
  struct version {
    caf::byte_buffer rule;
    state_table states;
    by_client counted;
  };

  bool happens(std::uint32_t percent) { return random_.below(100) < percent; }
  std::size_t any(std::size_t size) {
    return random_.below(static_cast<std::uint32_t>(size));
  }

  static tensor state_of(const leases& list) {
    auto block = std::make_shared<gpu::buffer>(list.size());
    std::ranges::copy(list, block->span().begin());
    return block;
  }
  static leases listed(const tensor& state) {
    return state ? leases{state->span().begin(), state->span().end()}
                 : leases{};
  }
  leases counting(client_id client) {
    auto all = counted_[client];
    all.insert(all.end(), open_[client].begin(), open_[client].end());
    return all;
  }

  void start() {
    rule_ = fresh_;
    if (!rule_.load(saved_.rule))
      wrong_ = "the rule does not load";
    rule_.discard();
    states_ = States{saved_.states};
    counted_ = saved_.counted;
    open_.clear();
    waiting_.clear();
    making_ = false;
    expect_counted("a resumed run");
    for (client_id c = 0; c < there_.size(); ++c)
      if (there_[c])
        rule_.join(c, 1, {}, said_);
    rule_.begin(incarnation_++, {}, said_);
    heard();
  }

  void step() {
    if (making_ && happens(30))
      return made();
    if (!waiting_.empty() && happens(60))
      return seat();
    if (happens(2))
      return start();
    if (happens(8))
      return come_or_go(any(there_.size()));
    if (!flights_.empty())
      land(any(flights_.size()));
  }

  void seat() {
    const auto of = waiting_.front();
    waiting_.erase(waiting_.begin());
    auto given = listed(states_.offered(of.lease, of.client));
    if (given != counting(of.client))
      wrong_ = "a lease goes without what counts";
    built_on_ += !open_[of.client].empty();
    flights_.push_back({of, std::move(given)});
  }

  void land(std::size_t at) {
    const auto what = flights_[at];
    if (!happens(5)) // else it comes again
      flights_.erase(flights_.begin() + static_cast<std::ptrdiff_t>(at));
    const auto lease = what.of.lease;
    if (happens(8))
      rule_.fail(lease, {}, said_);
    else if (happens(8))
      rule_.requeue(lease, {}, said_);
    else if (!making_) // else it would have to wait
      arrive(what);
    else
      return flights_.push_back(what);
    heard();
  }

  void arrive(const flight& what) {
    const auto lease = what.of.lease;
    const auto client = what.of.client;
    const auto base = what.of.base;
    if (rule_.share(lease) > 0.0 && !states_.holds(lease, client)) {
      ++made_anew_;
      if (what.given == counting(client))
        wrong_ = "work is made anew whose state holds";
      return rule_.requeue(lease, {}, said_);
    }
    const auto how = rule_.arrive({lease, client, base}, {}, said_);
    if (!how.accepted())
      return;
    if (happens(5)) // it cannot be summed
      return rule_.retract(lease, {}, said_);
    auto left = what.given;
    left.push_back(static_cast<float>(++number_));
    states_.accepted(client, state_of(left));
    open_[client].push_back(static_cast<float>(number_));
    if (left != counting(client))
      wrong_ = "a state is built on what does not count";
  }

  void made() {
    making_ = false;
    ++versions_;
    states_.published();
    for (auto& [client, list] : open_)
      counted_[client].insert(counted_[client].end(), list.begin(), list.end());
    open_.clear();
    expect_counted("a version");
    if (happens(40))
      saved_ = {rule_.save(), states_.counted(), counted_};
    rule_.published({}, said_);
    heard();
  }

  void expect_counted(const std::string& what) {
    for (client_id c = 0; c < there_.size(); ++c)
      if (listed(states_.counted().of(c)) != counted_[c])
        wrong_ = what + " has other states than count";
  }

  void come_or_go(std::size_t client) {
    there_[client] = !there_[client];
    const auto id = static_cast<client_id>(client);
    if (there_[client])
      rule_.join(id, 1, {}, said_);
    else
      rule_.leave(id, {}, said_);
    heard();
  }

  // In the order in which an aggregator carries it out.
  void heard() {
    for (auto lease : said_.revoked)
      std::erase_if(
          waiting_, [lease](const grant& g) { return g.lease == lease; });
    if (!said_.skipped.empty()) {
      states_.discard();
      open_.clear();
    }
    making_ = making_ || said_.publish;
    waiting_.insert(waiting_.end(), said_.grants.begin(), said_.grants.end());
    ended_ = said_.end && *said_.end != ending::starved;
    said_.clear();
  }

  gpu::random_stream random_;
  rule fresh_;
  rule rule_;
  States states_;
  decisions said_;
  std::vector<bool> there_;
  std::vector<grant> waiting_;
  std::vector<flight> flights_; // of earlier incarnations, too
  by_client counted_;           // in versions
  by_client open_;              // since
  version saved_;
  std::uint64_t incarnation_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t versions_ = 0;
  std::uint64_t built_on_ = 0;
  std::uint64_t made_anew_ = 0;
  bool making_ = false;
  bool ended_ = false;
  std::string wrong_;
};

} // namespace troupe::federated
