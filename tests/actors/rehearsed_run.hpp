#pragma once

#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "actors/aggregator.hpp"
#include "actors/evaluator.hpp"
#include "protocols/errc.hpp"
#include "protocols/federated/fedavg.hpp"
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
  extra book{stage};
  extra judge{stage};
  std::vector<compute_slot> slots{
      {first.as<compute>(), 0, {}}, {second.as<compute>(), 0, {}}};
  evaluator scores; ///< the real one
  aggregator boss;

  ~rehearsed_run() override {
    caf::anon_send_exit(boss, caf::exit_reason::user_shutdown);
    if (scores)
      caf::anon_send_exit(scores, caf::exit_reason::user_shutdown);
  }

  /// One round of so many clients.
  static aggregator_options one_round(
      std::size_t clients = 2, duration lease_time = {}) {
    federated::settings common;
    common.rounds = 1;
    common.lease_time = lease_time;
    aggregator_options options;
    options.rule = federated::fedavg{common, 1.0};
    options.parameters = std::make_shared<const gpu::buffer>(1);
    options.samples.assign(clients, 10);
    options.lease_time = lease_time;
    options.depth = 1;
    options.stop_grace = std::chrono::seconds{1};
    return options;
  }
  void begin_run(aggregator_options options, bool with_evaluator = false) {
    begin_run(std::move(options), {sums.as<shard>()}, with_evaluator);
  }
  void begin_run(aggregator_options options, std::vector<shard> shards,
      bool with_evaluator = false) {
    auto who = std::make_shared<cast>();
    for (std::size_t i = 0; i < options.samples.size(); ++i)
      who->workers.push_back(workers.emplace_back(stage).as<worker>());
    boss = stage.system().spawn<aggregator_impl>(std::move(options));
    who->slots = slots;
    who->shards = std::move(shards);
    who->book = book.as<scribe>();
    who->judge = judge.as<evaluator>();
    if (with_evaluator)
      who->judge = scores = stage.system().spawn<evaluator_impl>(
          evaluator_options{blank_samples(20), 10, who->slots, boss});
    stage.tell(boss, begin{who});
  }

  /// The last offer that a client has had.
  offer offer_to(client_id client) const {
    auto all = workers[client].heard<offer>();
    return all.empty() ? offer{} : all.back();
  }
  void train(client_id client, double loss = 0.5) {
    finish(client, loss);
    stage.tell(boss, added{0, 1});
  }
  void finish(client_id client, double loss = 0.5, float largest = 0.0f) {
    stage.tell(boss, update{client, {offer_to(client).lease, 0, {10, 1, loss},
                                        0.1, 0.1, buffer(), largest}});
  }
  void give_up(client_id client, errc why) {
    stage.tell(
        boss, failure{client, offer_to(client).lease, caf::make_error(why)});
  }
  void train_both() {
    for (client_id c = 0; c < 2; ++c)
      train(c);
  }
  void make_version() { stage.tell(boss, published{1}); }
  void store_version() { stage.tell(boss, stored{1, "", 0.0}); }
  void kill(extra& who, const std::string& why) {
    stage.tell(who.as<caf::actor>(),
        caf::exit_msg{{}, caf::make_error(errc::device_failed, why)});
  }
  void pass(duration time) {
    const duration step = std::chrono::milliseconds{100};
    for (duration t{}; t < time; t += step)
      stage.pass(step);
  }

  template <class Fact>
  std::vector<Fact> told() const {
    std::vector<Fact> result;
    for (const auto& batch : book.heard<fact_batch>())
      for (const auto& f : *batch.facts)
        if (auto* x = std::get_if<Fact>(&f.what))
          result.push_back(*x);
    return result;
  }
  facts::run_ended end() const {
    auto all = told<facts::run_ended>();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? facts::run_ended{} : all.front();
  }

private:
  static gpu::shared_buffer buffer() {
    return std::make_shared<const gpu::buffer>(1);
  }
};

} // namespace troupe::tests
