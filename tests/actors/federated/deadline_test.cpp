// Leases that overrun, by a clock that the test moves.

#include "actors/federated/aggregator.hpp"

#include <gtest/gtest.h>

#include "protocols/errc.hpp"
#include "protocols/federated/fedavg.hpp"
#include "tests/support/rehearsal.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;

struct deadline_test : testing::Test {
  rehearsal stage;
  extra client{stage};
  extra slot{stage};
  extra sums{stage};
  extra scribe{stage};
  extra asker{stage};
  troupe::aggregator aggregator;

  deadline_test() {
    federated::settings common;
    common.rounds = 1;
    common.lease_time = 10s;
    aggregator_options options;
    options.rule = federated::fedavg{common, 1.0};
    options.parameters = std::make_shared<const gpu::buffer>(1);
    options.samples = {10, 10};
    options.depth = 2;
    options.stop_grace = 1s;
    aggregator = stage.system().spawn<aggregator_impl>(std::move(options));
    auto who = std::make_shared<crew>();
    who->workers = {client.as<worker>(), client.as<worker>()};
    who->slots = {{slot.as<compute>(), 0, {}}, {slot.as<compute>(), 0, {}}};
    who->shards = {sums.as<shard>()};
    who->scribe = scribe.as<troupe::scribe>();
    caf::anon_send(aggregator, begin{who});
    stage.run();
  }
  ~deadline_test() override {
    caf::anon_send_exit(aggregator, caf::exit_reason::user_shutdown);
  }

  template <class Fact>
  std::vector<Fact> told() {
    std::vector<Fact> result;
    for (const auto& batch : scribe.heard<fact_batch>())
      for (const auto& f : *batch.facts)
        if (auto* x = std::get_if<Fact>(&f.what))
          result.push_back(*x);
    return result;
  }
};

TEST_F(deadline_test, lets_a_client_train_until_its_lease_is_over) {
  stage.pass(9s);

  ASSERT_EQ(client.heard<seated_offer>().size(), 2u);
  EXPECT_TRUE(told<facts::client_failed>().empty());
  EXPECT_TRUE(client.heard<revoke>().empty());
}

TEST_F(deadline_test, stops_and_names_a_client_that_overran) {
  stage.pass(10s);

  auto failed = told<facts::client_failed>();
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[0].why, "no update within 10 s");
  EXPECT_EQ(client.heard<revoke>().size(), 2u);
}

TEST_F(deadline_test, takes_an_update_just_in_time) {
  auto lease = client.heard<seated_offer>()[0].lease;
  stage.pass(9s);
  stage.tell(
      aggregator, update{0, {lease, 0, {10, 1, 0.5}, 1.0, 1.0,
                                std::make_shared<const gpu::buffer>(1)}});

  stage.pass(2s);

  EXPECT_EQ(told<facts::accepted>().size() + told<facts::dropped>().size(), 1u);
}

TEST_F(deadline_test, counts_slots_lost_that_never_answer) {
  stage.pass(10s);
  stage.pass(1s);
  stage.pass(1s);

  EXPECT_EQ(told<facts::slot_lost>().size(), 2u);
  auto ended = told<facts::run_ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].outcome, "failed");
}

TEST_F(deadline_test, frees_a_slot_whose_learner_heeds_its_stop) {
  auto offers = client.heard<seated_offer>();
  stage.pass(10s);
  for (client_id c = 0; c < 2; ++c)
    stage.tell(aggregator,
        failure{c, offers[c].lease, caf::make_error(errc::stopped)});
  stage.pass(2s);

  EXPECT_TRUE(told<facts::slot_lost>().empty());
}

} // namespace
} // namespace troupe::tests
