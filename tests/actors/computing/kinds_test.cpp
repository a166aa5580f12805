// Clients that are allotted to kinds of devices, slots played by the test.

#include "actors/federated/aggregator.hpp"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>

#include "protocols/errc.hpp"
#include "protocols/federated/fedavg.hpp"
#include "tests/support/rehearsal.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using gpu::device_kind;

constexpr client_id clients = 40;

struct kinds_test : testing::Test {
  rehearsal stage;
  extra client{stage};
  extra cpu{stage};
  extra card{stage};
  extra sums{stage};
  extra scribe{stage};
  troupe::aggregator aggregator;
  placement::allotment kinds{
      1, {{device_kind::cpu, 1}, {device_kind::cuda, 2}}};

  void begin_run(duration lease_time = {}) {
    federated::settings common;
    common.rounds = 1;
    common.lease_time = lease_time;
    aggregator_options options;
    options.rule = federated::fedavg{common, 1.0};
    options.parameters = std::make_shared<const gpu::buffer>(1);
    options.samples.assign(clients, 10);
    options.depth = 2;
    options.kinds = kinds;
    options.stop_grace = 1s;
    aggregator = stage.system().spawn<aggregator_impl>(std::move(options));
    auto who = std::make_shared<crew>();
    who->workers.assign(clients, client.as<worker>());
    who->slots = {{cpu.as<compute>(), 0, device_kind::cpu},
        {card.as<compute>(), 0, device_kind::cuda},
        {card.as<compute>(), 1, device_kind::cuda}};
    who->shards = {sums.as<shard>()};
    who->scribe = scribe.as<troupe::scribe>();
    caf::anon_send(aggregator, begin{who});
    stage.run();
  }
  ~kinds_test() override {
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
  std::vector<facts::leased> leases() {
    stage.pass(200ms); // facts go out in batches
    return told<facts::leased>();
  }
  std::size_t leased_to(device_kind kind) {
    std::size_t count = 0;
    for (const auto& each : leases())
      count += kinds.kind_of(each.client) == kind ? 1 : 0;
    return count;
  }
  std::size_t allotted(device_kind kind) {
    std::size_t count = 0;
    for (client_id c = 0; c < clients; ++c)
      count += kinds.kind_of(c) == kind ? 1 : 0;
    return count;
  }
  void answer(const facts::leased& what) {
    stage.tell(aggregator,
        update{what.client, {what.lease, 0, {10, 1, 0.5}, 0.1, 0.1,
                                std::make_shared<const gpu::buffer>(1)}});
    stage.tell(aggregator, added{0, {0}});
  }
};

TEST_F(kinds_test, sends_every_client_to_its_own_kind) {
  begin_run();
  for (std::size_t done = 0; done < clients; ++done) {
    auto all = leases();
    ASSERT_GT(all.size(), done);
    answer(all[done]);
  }

  auto all = leases();
  std::map<lease_id, client_id> who;
  for (const auto& each : all)
    who[each.lease] = each.client;
  auto offers = client.heard<seated_offer>();
  ASSERT_EQ(offers.size(), clients);
  for (const auto& each : offers) {
    auto kind = kinds.kind_of(who.at(each.lease));
    EXPECT_EQ(each.on,
        kind == device_kind::cpu ? cpu.as<compute>() : card.as<compute>());
    EXPECT_LE(each.lane, kind == device_kind::cpu ? 0u : 1u);
  }
}

TEST_F(kinds_test, numbers_the_turns_of_every_lane_by_themselves) {
  begin_run();
  for (std::size_t done = 0; done < clients; ++done)
    answer(leases()[done]);

  std::map<std::uint32_t, std::uint64_t> turns;
  for (const auto& each : client.heard<seated_offer>())
    if (each.on == card.as<compute>())
      EXPECT_EQ(each.turn, turns[each.lane]++);
  EXPECT_EQ(turns[0] + turns[1], allotted(device_kind::cuda));
}

TEST_F(kinds_test, holds_up_no_kind_for_another_that_is_full) {
  begin_run();
  for (auto quick : {device_kind::cpu, device_kind::cuda}) {
    for (std::size_t seen = 0; seen < leases().size(); ++seen) {
      auto each = leases()[seen];
      if (kinds.kind_of(each.client) == quick)
        answer(each);
    }
    EXPECT_EQ(leased_to(quick), allotted(quick));
  }
}

TEST_F(kinds_test, ends_when_a_kind_has_no_slot_left) {
  begin_run(10s);
  // The GPU's lanes never answer and never heed a stop; the CPU does.
  auto is_cpu = [&](const auto& each) {
    return kinds.kind_of(each.client) == device_kind::cpu;
  };
  std::size_t seen = 0;
  for (int i = 0; i < 30 && told<facts::run_ended>().empty(); ++i) {
    for (auto all = leases(); seen < all.size(); ++seen)
      if (is_cpu(all[seen]))
        answer(all[seen]);
    stage.pass(1s);
  }

  auto ended = told<facts::run_ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].outcome, "failed");
  EXPECT_THAT(ended[0].why,
      testing::StartsWith("no compute slot on a GPU is left: the learner of"));
  EXPECT_EQ(told<facts::slot_lost>().size(), 2u);
}

TEST_F(kinds_test, names_the_device_that_ended_the_run) {
  begin_run();
  stage.tell(card.as<caf::actor>(),
      caf::exit_msg{{},
          caf::make_error(errc::device_failed, std::string{"cuda:0: gone"})});

  EXPECT_TRUE(told<facts::run_ended>().empty()); // the CPU is still at work
  for (const auto& each : leases())
    if (kinds.kind_of(each.client) == device_kind::cpu)
      stage.tell(aggregator,
          failure{each.client, each.lease, caf::make_error(errc::stopped)});

  auto ended = told<facts::run_ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_THAT(ended[0].why, testing::HasSubstr("cuda:0: gone"));
}

} // namespace
} // namespace troupe::tests
