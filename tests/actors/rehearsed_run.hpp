#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "actors/federated/aggregator_options.hpp"
#include "protocols/errc.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/publication.hpp"
#include "protocols/run.hpp"
#include "protocols/storage.hpp"
#include "protocols/training.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {

/// A run by a clock that the test moves: the aggregator, and the evaluator if
/// it is wanted, between extras. Two slots on two devices unless the test makes
/// others.
struct rehearsed_run : testing::Test {
  rehearsal stage;
  std::deque<extra> workers; ///< by client
  extra first{stage};
  extra second{stage};
  extra sums{stage};
  extra scribe{stage};
  extra evaluator{stage};
  std::vector<compute_slot> slots{
      {first.as<compute>(), 0, {}}, {second.as<compute>(), 0, {}}};
  troupe::evaluator scores; ///< the real one
  troupe::aggregator aggregator;

  ~rehearsed_run() override;

  /// One round of so many clients.
  static aggregator_options one_round(
      std::size_t clients = 2, duration lease_time = {});
  void begin_run(aggregator_options options, bool with_evaluator = false);
  void begin_run(aggregator_options options, std::vector<shard> shards,
      bool with_evaluator = false);

  /// The last offer that a client has had.
  seated_offer offer_to(client_id client) const;
  /// Whether it was told to stop for this lease.
  bool is_stopped(client_id client, lease_id lease) const;
  /// The same of its last offer's.
  bool is_stopped(client_id client) const {
    return is_stopped(client, offer_to(client).lease);
  }
  void train(client_id client, double loss = 0.5);
  void finish(client_id client, double loss = 0.5, float largest = 0.0f);
  void give_up(client_id client, errc why);
  void train_both();
  void make_version();
  void store_version();
  void kill(extra& who, const std::string& why);
  void pass(duration time);

  template <class Fact>
  std::vector<Fact> told() const {
    std::vector<Fact> result;
    for (const auto& batch : scribe.heard<fact_batch>())
      for (const auto& f : *batch.facts)
        if (auto* x = std::get_if<Fact>(&f.what))
          result.push_back(*x);
    return result;
  }
  facts::run_ended end() const;
  /// What whoever began it was answered.
  run_report report() const;

private:
  std::shared_ptr<std::optional<run_report>> report_ =
      std::make_shared<std::optional<run_report>>();
};

} // namespace troupe::tests
