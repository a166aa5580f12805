// How often actors wake themselves, by a clock that the test moves.

#include <deque>
#include <set>

#include <gtest/gtest.h>

#include "actors/federated/aggregator.hpp"
#include "protocols/federated/fedavg.hpp"
#include "tests/support/rehearsal.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;

// Leases last long beside facts, which go out soon: what wakes the aggregator
// for the ones is overtaken by what wakes it for the others, again and again.
TEST(ticks_test, an_aggregator_wakes_ten_times_a_second_however_long_it_runs) {
  constexpr std::size_t clients = 300;
  rehearsal stage;
  std::deque<extra> client;
  extra slot{stage}, sums{stage}, scribe{stage};
  federated::settings common;
  common.rounds = 1;
  common.lease_time = 1s;
  aggregator_options options;
  options.rule = federated::fedavg{common, 1.0};
  options.parameters = std::make_shared<const gpu::buffer>(1);
  options.samples.assign(clients, 10);
  options.depth = 1;
  auto aggregator = stage.system().spawn<aggregator_impl>(std::move(options));
  auto who = std::make_shared<crew>();
  for (std::size_t i = 0; i < clients; ++i)
    who->workers.push_back(client.emplace_back(stage).as<worker>());
  who->slots = {{slot.as<compute>(), 0, {}}, {slot.as<compute>(), 0, {}}};
  who->shards = {sums.as<shard>()};
  who->scribe = scribe.as<troupe::scribe>();
  stage.tell(aggregator, begin{who});

  std::set<client_id> answered;
  std::size_t batches = 0;
  for (int second = 0; second < 6; ++second) {
    std::size_t pending = 0;
    for (int step = 0; step < 20; ++step) {
      for (client_id c = 0; c < clients; ++c) {
        auto offers = client[c].heard<seated_offer>();
        if (offers.empty() || !answered.insert(c).second)
          continue;
        stage.tell(
            aggregator, update{c, {offers[0].lease, 0, {10, 1, 0.5}, 0.1, 0.1,
                                      std::make_shared<const gpu::buffer>(1)}});
        stage.tell(aggregator, added{0, {0}});
      }
      stage.pass(50ms);
      pending = std::max(pending, stage.pending());
    }
    auto before = std::exchange(batches, scribe.heard<fact_batch>().size());
    EXPECT_LE(batches - before, 11u) << "in second " << second;
    EXPECT_LE(pending, 1u) << "in second " << second;
  }
  EXPECT_GT(answered.size(), 200u);

  caf::anon_send_exit(aggregator, caf::exit_reason::user_shutdown);
}

} // namespace
} // namespace troupe::tests
