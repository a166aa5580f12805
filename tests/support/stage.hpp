#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include <caf/actor_system.hpp>

#include "actors/federated/aggregator_options.hpp"
#include "protocols/federated/rule.hpp"
#include "protocols/run.hpp"
#include "protocols/storage.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {

/// What a run on the stage is made of; the defaults are ten clients, three
/// rounds of all of them, two slots.
struct script {
  federated::rule rule;
  std::size_t clients = 10;
  std::size_t slots = 2;
  std::size_t depth = 2;
  std::size_t parameters = 17;
  std::uint64_t seed = 1;
  std::size_t test_samples = 100;
  version_id evaluate_every = 0;
  double target_accuracy = 0.0;
  gpu::server_options server;
  std::size_t shards = 1;
  duration lease_time{}; ///< for parts of evaluations; the rule's is its own
  duration stop_grace = std::chrono::milliseconds{200};
  duration patience{};   ///< for slots and nodes
  std::size_t nodes = 0; ///< to begin with
  training::recipe recipe;
  small_learner::mishap_type mishap;
  small_learner::doubt_type doubt;
  /// Called with the aggregator once it has begun, from the test's thread.
  std::function<void(const troupe::aggregator&)> meanwhile;
  /// Called with every fact once it is told, from another thread.
  std::function<void(const fact&)> on_fact;
  /// Called once the run has ended, before its actors are dismissed.
  std::function<void()> afterwards;
  /// Instead of `slots` compute actors with small learners, where clients are
  /// allotted to `kinds`.
  std::function<std::vector<compute_slot>(const script&, caf::actor_system&)>
      spawn_slots;
  placement::allotment kinds;
  std::vector<training::view> data; ///< the clients'; empty: blank samples
  training::view test;              ///< empty: blank samples
  caf::byte_buffer restored;        ///< a stored rule to go on from
  gpu::shared_buffer parameters_from;
  state_table states; ///< of clients, to go on from
  std::uint64_t incarnation = 0;
};

federated::rule fedavg_rule(std::uint64_t rounds, double fraction = 1.0,
    std::uint64_t seed = 1, duration lease_time = {});
federated::rule fedbuff_rule(std::uint64_t versions, std::uint64_t buffer,
    std::uint64_t concurrency, std::uint64_t seed = 1);

/// What was seen of a run.
struct performance {
  run_report report;
  std::vector<fact> facts;
  std::vector<store> stores;

  std::vector<float> parameters() const;
  /// All facts of one kind.
  template <class Fact>
  std::vector<Fact> all() const {
    std::vector<Fact> result;
    for (const auto& f : facts)
      if (auto* x = std::get_if<Fact>(&f.what))
        result.push_back(*x);
    return result;
  }
};

/// Plays a script with the real actors on real threads: detached compute, the
/// real scheduler. Only the scribe is one that keeps in memory what it is told.
performance play(const script& what);

} // namespace troupe::tests
