#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/random.hpp"
#include "protocols/cluster/kept_updates.hpp"
#include "protocols/federated/client_states.hpp"
#include "protocols/federated/rule.hpp"

namespace troupe::cluster::tests {

/// What may happen in a history, and how often: one in so many steps; 0: never.
struct mishaps {
  std::uint32_t coordinator_dies = 40;
  std::uint32_t node_dies = 60;
  std::uint32_t session_ends = 60;
  std::uint32_t twice = 10; ///< a message comes again
  bool work_varies = false; ///< from lease to lease
};

inline gpu::shared_buffer numbers(float a, float b) {
  auto result = std::make_shared<gpu::buffer>(2);
  result->span()[0] = a;
  result->span()[1] = b;
  return result;
}

/// A run of some nodes whose training is a function: a coordinator with a true
/// rule, exact sums and clients' states, which is thrown back to its durable
/// version again and again; nodes that die, lose their session, and keep what
/// they have trained; messages in any order, some twice, some never. `Kept` is
/// what a node keeps by.
///
/// It watches that every update that counts is what its lease asked for, that
/// each lease counts once, and that a client's state has counted its updates.
template <class Kept>
class kept_history {
public:
  kept_history(federated::rule rule, std::size_t clients, std::size_t nodes,
      std::uint64_t seed, mishaps what)
      : fresh_(rule),
        clients_(clients),
        random_(seed, gpu::stream::user, 31),
        mishaps_(what),
        nodes_(nodes) {
    take_up();
  }

  /// Until the run is done, or it has to be given up.
  void play(std::size_t steps) {
    while (!done_ && problem_.empty() && steps-- > 0)
      step();
  }

  const std::string& problem() const noexcept { return problem_; }
  bool done() const noexcept { return done_; }
  std::vector<float> model() const {
    return {now_.parameters->span().begin(), now_.parameters->span().end()};
  }
  std::uint64_t handed_in() const noexcept { return handed_in_; }
  /// Orders that one life of a node has trained again, with no other of the
  /// client and base between. One that a durable version has overtaken may be:
  /// nothing that comes of it counts.
  std::uint64_t trained_twice() const noexcept { return trained_twice_; }

private:
  struct order {
    lease_id lease = 0;
    training_order what;
  };
  struct answer {
    client_id client = 0;
    trained what;
  };
  struct node {
    Kept kept{std::size_t{1} << 20};
    version_id durable = 0;     ///< for all that it has heard
    std::vector<order> offered; ///< on their way to it, or being trained
    std::vector<answer> answers;
    /// In this life, by client and base, the last: work, one parameter, state.
    std::map<std::pair<client_id, version_id>,
        std::tuple<std::uint32_t, float, float>>
        trained;
  };
  struct state {
    federated::rule rule;
    gpu::shared_buffer parameters = numbers(0.0f, 1.0f);
    state_table states;
    std::map<client_id, float> counted; ///< updates in published versions
  };

  bool chance(std::uint32_t one_in) {
    return one_in > 0 && random_.below(one_in) == 0;
  }
  template <class List>
  typename List::value_type drawn(List& from) {
    const auto at = random_.below(static_cast<std::uint32_t>(from.size()));
    auto result = from[at];
    if (!chance(mishaps_.twice))
      from.erase(from.begin() + at);
    return result;
  }

  // The coordinator goes on from its durable state; every session is anew.
  void take_up() {
    now_ = durable_;
    now_.rule = fresh_;
    if (saved_) {
      now_.rule.load(*saved_);
      now_.rule.discard();
    }
    for (client_id c = 0; c < clients_; ++c)
      now_.rule.join(c, 10 + c, {}, out_);
    states_ = federated::client_states{now_.states};
    sums_ = gpu::accumulator{2};
    open_counts_ = now_.counted;
    waiting_.clear();
    leased_.clear();
    unsaved_.clear();
    bases_.clear();
    for (auto& each : nodes_)
      rejoin(each);
    now_.rule.begin(incarnation_++, {}, out_);
    carry_out();
  }

  void rejoin(node& which) {
    which.offered.clear();
    which.answers.clear();
    hear_durable(which);
  }

  void hear_durable(node& which) {
    which.durable = durable_version_;
    which.kept.forget_before(durable_version_);
  }

  void step() {
    if (chance(mishaps_.coordinator_dies))
      return take_up();
    auto& which =
        nodes_[random_.below(static_cast<std::uint32_t>(nodes_.size()))];
    if (chance(mishaps_.node_dies)) {
      which = node{};
      return lose(which);
    }
    if (chance(mishaps_.session_ends))
      return lose(which);
    if (!unsaved_.empty() && chance(6))
      make_durable();
    else if (!waiting_.empty() && chance(2))
      offer(which);
    else if (!which.offered.empty() && chance(2))
      work(which);
    else if (!which.answers.empty())
      receive(drawn(which.answers));
  }

  // What it had is leased again.
  void lose(node& which) {
    rejoin(which);
    for (auto& [lease, at] : std::map{leased_})
      if (at.first == &which && leased_.erase(lease) > 0)
        now_.rule.requeue(lease, {}, out_);
    carry_out();
  }

  void offer(node& to) {
    const auto grant = drawn(waiting_);
    if (leased_.contains(grant.lease) || ended_.contains(grant.lease))
      return;
    const auto before = states_.offered(grant.lease, grant.client);
    const auto work =
        mishaps_.work_varies ? 1 + random_.below(2) : std::uint32_t{1};
    // Of another coordinator's memory: only content can tell.
    const auto copy = numbers(
        bases_.at(grant.base)->span()[0], bases_.at(grant.base)->span()[1]);
    const training_order what{grant.client, grant.base, work,
        gpu::device_kind::cpu, copy, before.here};
    to.offered.push_back({grant.lease, what});
    leased_[grant.lease] = {&to, what};
  }

  static trained train(const training_order& what) {
    const auto base = what.parameters->span();
    const auto before = what.state ? what.state->span()[0] : 0.0f;
    trained result;
    result.base = what.base;
    result.outcome = {10, what.work, 0.5};
    const auto push = static_cast<float>(what.client + 1) +
                      0.5f * static_cast<float>(what.work) + 0.25f * before;
    result.delta = tensor{numbers(0.125f * push - 0.5f * base[0],
        0.25f * base[0] - 0.0625f * base[1] + 0.01f * push)};
    result.state = tensor{numbers(before + 1.0f, 0.0f)};
    return result;
  }

  void work(node& which) {
    const auto [lease, what] = drawn(which.offered);
    auto found = which.kept.find(what);
    if (found) {
      ++handed_in_;
    } else {
      found = train(what);
      const std::tuple asked{what.work, what.parameters->span()[0],
          what.state ? what.state->span()[0] : 0.0f};
      const auto [last, is_new] =
          which.trained.try_emplace({what.client, what.base}, asked);
      trained_twice_ +=
          !is_new && last->second == asked && what.base >= which.durable;
      last->second = asked;
      which.kept.keep(what, *found);
    }
    found->lease = lease;
    which.answers.push_back({what.client, *found});
  }

  static bool same(const tensor& a, const tensor& b) {
    return std::ranges::equal(a.here->span(), b.here->span());
  }

  void receive(const answer& what) {
    const auto& [client, result] = what;
    const auto at = leased_.find(result.lease);
    const auto how = now_.rule.arrive(
        {result.lease, client, result.base, 10, 1, 0.5}, {}, out_);
    if (how.accepted()) {
      const auto expected = train(at->second.second);
      if (!ended_.insert(result.lease).second)
        problem_ = "a lease counts twice";
      else if (!same(expected.delta, result.delta) ||
               !same(expected.state.value(), result.state.value()))
        problem_ = "an update counts that its lease did not ask for";
      states_.accepted(client, result.state.value());
      open_counts_[client] += 1.0f;
      sums_.add(result.delta.here->span(), how.weight, how.share);
    }
    if (at != leased_.end())
      leased_.erase(at);
    carry_out();
  }

  void carry_out() {
    while (true) {
      auto now = std::move(out_);
      out_.clear();
      for (auto lease : now.revoked) {
        leased_.erase(lease);
        std::erase_if(
            waiting_, [&](const auto& x) { return x.lease == lease; });
      }
      for (const auto& grant : now.grants) {
        bases_.try_emplace(grant.base, now_.parameters);
        waiting_.push_back(grant);
      }
      if (now.end) {
        done_ = *now.end == federated::ending::completed;
        return;
      }
      if (!now.publish)
        return;
      publish(now.publish->version);
      now_.rule.published({}, out_);
    }
  }

  void publish(version_id version) {
    auto next = std::make_shared<gpu::buffer>(2);
    sums_.publish(now_.parameters->span(), 1.0, next->span());
    sums_.clear();
    now_.parameters = next;
    bases_[version] = next;
    states_.published();
    now_.states = states_.counted();
    now_.counted = open_counts_;
    for (const auto& [client, count] : now_.counted)
      if (now_.states.of(client).here->span()[0] != count)
        problem_ = "a state has not counted its client's updates";
    unsaved_.clear();
    unsaved_.push_back({version, now_, now_.rule.save()});
  }

  void make_durable() {
    auto& [version, what, rule] = unsaved_.back();
    durable_ = what;
    saved_ = rule;
    durable_version_ = version;
    unsaved_.clear();
    for (auto& each : nodes_)
      if (!chance(4)) // the others hear it when they come again
        hear_durable(each);
  }

  struct unsaved {
    version_id version = 0;
    state what;
    caf::byte_buffer rule;
  };

  federated::rule fresh_;
  std::size_t clients_;
  gpu::random_stream random_;
  mishaps mishaps_;
  std::vector<node> nodes_;
  state durable_;
  std::optional<caf::byte_buffer> saved_;
  version_id durable_version_ = 0;
  std::vector<unsaved> unsaved_;
  state now_;
  std::uint64_t incarnation_ = 0;
  federated::decisions out_;
  federated::client_states states_;
  gpu::accumulator sums_{2};
  std::map<client_id, float> open_counts_;
  std::map<version_id, gpu::shared_buffer> bases_;
  std::vector<federated::grant> waiting_;
  std::map<lease_id, std::pair<node*, training_order>> leased_;
  std::set<lease_id> ended_;
  std::uint64_t handed_in_ = 0;
  std::uint64_t trained_twice_ = 0;
  bool done_ = false;
  std::string problem_;
};

} // namespace troupe::cluster::tests
