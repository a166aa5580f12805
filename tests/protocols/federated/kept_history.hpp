#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "gpu/random.hpp"
#include "protocols/federated/client_states.hpp"
#include "protocols/federated/kept_states.hpp"

namespace troupe::federated {

/// One random life of a resident: a run that holds names of states, and a node
/// that keeps the states. Each lease is one of its client; it is dropped, its
/// round is skipped, versions are stored now and then, one at a time; the node
/// is killed before and behind its disk, and the run goes on from its last
/// durable version, which the node may not have heard of. run() says the first
/// promise that was broken; nothing if all were kept.
template <class Kept>
class kept_history {
public:
  explicit kept_history(std::uint64_t seed)
      : random_(seed, gpu::stream::user, 11) {
    join();
  }

  std::string run() {
    for (int i = 0; i < 150 && broken_.empty(); ++i)
      step();
    return broken_;
  }

  std::uint64_t rollbacks() const noexcept { return rollbacks_; }
  std::uint64_t counted() const noexcept { return trained_.size(); }

private:
  static constexpr client_id me = 3;
  struct flight {
    lease_id lease = 0;
    state_name from = no_state;
    bool trained = false; ///< its state is on the node's disk
  };

  bool happens(std::uint32_t percent) { return random_.below(100) < percent; }

  void step() {
    if (happens(3))
      return resume();
    if (happens(4))
      return kill_node();
    if (happens(12))
      return publish();
    if (happens(20))
      return stored();
    if (happens(3))
      return skip();
    if (happens(30))
      hear();
    if (!out_)
      lease();
    else if (!out_->trained)
      train();
    else
      arrive();
  }

  void lease() {
    out_ = flight{next_, run_.offered(next_, me).id};
    ++next_;
    expect(node_.recalled(out_->from), "lacks a state to train from");
    remove_dropped();
  }

  // The state is on the disk before anybody hears of it.
  void train() {
    const auto name = state_left_by(out_->lease);
    node_.left(name);
    disk_.insert(name);
    trained_[name] = out_->from;
    out_->trained = true;
  }

  void arrive() {
    const auto one = *out_;
    out_.reset();
    if (happens(15) || !run_.holds(one.lease, me))
      return;
    run_.accepted(me, state_elsewhere(state_left_by(one.lease), 1));
    ++since_;
  }

  void publish() {
    run_.published();
    versions_.insert_or_assign(++version_, run_.counted().of(me).id);
    if (!storing_ && happens(60))
      storing_ = version_;
  }

  void skip() { run_.discard(); }

  void stored() {
    if (!storing_)
      return;
    make_durable();
    told_ = durable_;
  }
  void make_durable() {
    durable_ = versions_.at(*storing_);
    storing_.reset();
    since_ = 0;
  }

  // It hears of a durable version some time later, or never.
  void hear() {
    if (!told_)
      return;
    expect(node_.settled(*told_), "lacks the durable state");
    remove_dropped();
    told_.reset();
  }

  void kill_node() {
    out_.reset();
    join();
  }

  void resume() {
    ++rollbacks_;
    if (storing_ && happens(50))
      make_durable(); // and nobody heard of it
    storing_.reset();
    out_.reset();
    const client_state one[] = {{me, state_elsewhere(durable_, 1)}};
    run_ = durable_ == no_state ? client_states{}
                                : client_states{state_table{one}};
    next_ += 1000;
    join();
  }

  // What is on its disk is all that a node knows.
  void join() {
    if (happens(50))
      node_ = Kept{disk_};
    expect(node_.all() == disk_, "has other states than its disk");
    told_ = durable_;
    hear();
  }

  void remove_dropped() {
    for (auto name : node_.take_dropped())
      expect(disk_.erase(name) == 1, "drops what is not there");
    // One a lease that counted since, and what was void before this one.
    std::size_t after = 0;
    for (auto name : disk_)
      after += name > durable_;
    if (out_ && told_ == std::nullopt)
      expect(disk_.size() <= after + 1, "keeps what is settled");
    if (out_ && !out_->trained)
      expect(
          disk_.empty() || *disk_.rbegin() <= out_->from, "keeps what is void");
  }

  void expect(bool kept, const std::string& else_says) {
    if (!kept && broken_.empty())
      broken_ = else_says;
  }

  gpu::random_stream random_;
  client_states run_;
  Kept node_;
  std::set<state_name> disk_;
  std::map<state_name, state_name> trained_; // from which
  std::optional<flight> out_;
  std::optional<version_id> storing_;
  std::optional<state_name> told_; // and not heard yet
  std::map<version_id, state_name> versions_;
  version_id version_ = 0;
  state_name durable_ = no_state;
  std::uint64_t since_ = 0;
  lease_id next_ = 0;
  std::uint64_t rollbacks_ = 0;
  std::string broken_;
};

} // namespace troupe::federated
