// One seed gives one model under any rule, once updates count in virtual order:
// at any number of slots and processes, and through any kill.
#include <csignal>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/coordination.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

using testing::HasSubstr;

words in_virtual_order(words more = {}) {
  more.insert(more.end(), {"--set", "run.order=virtual", "--set",
                              "clock.spread=1", "--set", "clock.jitter=0.3"});
  return more;
}

std::string slots(int count) {
  return fmt::format("compute.slots={}", count);
}

/// Who counted in which version, from which.
using sequence = std::vector<std::tuple<client_id, version_id, std::uint64_t>>;

sequence counted(const record& left) {
  sequence result;
  for (const auto& x : left.all_standing<facts::accepted>())
    result.emplace_back(x.client, x.base, x.staleness);
  return result;
}

class virtual_order_test : public testing::TestWithParam<const char*> {
protected:
  static std::string quick(std::uint64_t versions) {
    return tests::quick(GetParam(), versions);
  }
};

TEST_P(virtual_order_test, makes_one_model_at_any_number_of_slots) {
  study some{quick(30)};
  expect_code(run(some.start("1", in_virtual_order({"--set", slots(1)}))), 0);
  const auto expected = some.of("1");

  for (auto count : {2, 5}) {
    const auto name = std::to_string(count);
    expect_code(
        run(some.start(name, in_virtual_order({"--set", slots(count)}))), 0);
    EXPECT_EQ(some.of(name).model_sha256(), expected.model_sha256());
    EXPECT_EQ(counted(some.of(name)), counted(expected));
  }
  expect_code(run(troupe({"audit", some.of("5").root(), "--retrain"})), 0);
}

TEST_P(virtual_order_test, makes_it_through_five_kills) {
  study some{quick(30)};
  const auto goal = 5 + kill_five_times(some, "killed",
                            in_virtual_order({"--set", slots(2)}));
  expect_code(run(some.resume("killed", rounds(goal))), 0);
  expect_code(run(some.start("whole", rounds(goal, in_virtual_order()))), 0);

  EXPECT_EQ(some.of("killed").model_sha256(), some.of("whole").model_sha256());
  EXPECT_EQ(counted(some.of("killed")), counted(some.of("whole")));
  expect_code(run(troupe({"audit", some.of("killed").root()})), 0);
}

TEST_P(virtual_order_test, makes_it_when_a_finished_run_gets_more_versions) {
  study some{quick(20)};
  expect_code(run(some.start("more", in_virtual_order())), 0);
  expect_code(run(some.resume("more", rounds(30))), 0);
  expect_code(run(some.start("whole", rounds(30, in_virtual_order()))), 0);

  EXPECT_EQ(some.of("more").model_sha256(), some.of("whole").model_sha256());
  EXPECT_EQ(counted(some.of("more")), counted(some.of("whole")));
  expect_code(run(troupe({"audit", some.of("more").root(), "--retrain"})), 0);
}

TEST_P(virtual_order_test, makes_it_over_two_processes) {
  study some{quick(30)};
  expect_code(run(some.start("alone", in_virtual_order())), 0);

  coordination both{
      some, "both", in_virtual_order({"--set", slots(1), "--min-nodes", "1"})};
  auto node = both.join("node");
  EXPECT_EQ(both.coordinator().wait().code, 0) << both.coordinator().err();
  EXPECT_EQ(node->wait().code, 0) << node->err();

  EXPECT_EQ(both.left().model_sha256(), some.of("alone").model_sha256());
  EXPECT_EQ(counted(both.left()), counted(some.of("alone")));
}

TEST_P(virtual_order_test, trains_a_dead_nodes_leases_from_where_they_started) {
  study some{quick(40)};
  expect_code(run(some.start("alone", in_virtual_order())), 0);

  coordination both{some, "both",
      in_virtual_order({"--set", "compute.slots=0", "--min-nodes", "2"})};
  auto first = both.join("first"), second = both.join("second");
  ASSERT_TRUE(both.coordinator().until([&] {
    return both.left().last_published() >= 5;
  })) << both.coordinator().err();
  first->signal(SIGKILL);
  first->wait();
  EXPECT_EQ(both.coordinator().wait().code, 0) << both.coordinator().err();
  EXPECT_EQ(second->wait().code, 0) << second->err();

  EXPECT_EQ(both.left().model_sha256(), some.of("alone").model_sha256());
  EXPECT_EQ(counted(both.left()), counted(some.of("alone")));
  expect_code(run(troupe({"audit", both.left().root()})), 0);
}

// A buffer that everybody fills is a round.
TEST(equivalence_test, makes_a_full_buffer_of_everybody_a_round) {
  study rounds{quick_fedavg(12)}, buffers{quick_fedbuff(12)};
  expect_code(
      run(rounds.start("run", {"--set", "federation.fraction=1", "--set",
                                  "federation.weighting=uniform"})),
      0);
  for (const words& order : {words{}, in_virtual_order()}) {
    const auto name = order.empty() ? "arrival" : "virtual";
    auto options = order;
    options.insert(options.end(), {"--set", "federation.buffer=10", "--set",
                                      "federation.concurrency=10"});
    expect_code(run(buffers.start(name, options)), 0);
    EXPECT_EQ(buffers.of(name).model_sha256(), rounds.of("run").model_sha256())
        << name;
  }
}

INSTANTIATE_TEST_SUITE_P(of, virtual_order_test,
    testing::Values("fedbuff", "fedasync", "fedavg", "deadline", "partial",
        "backups", "oort", "tiers", "switched"));

const words hurried{"--set", "federation.deadline=0.7"};

TEST(partial_work_test, counts_what_clients_have_at_the_deadline) {
  study some{quick_fedavg(20)};
  expect_code(run(some.start("all", in_virtual_order(hurried))), 0);
  EXPECT_FALSE(some.of("all").all<facts::revoked>().empty());

  auto options = in_virtual_order(hurried);
  options.insert(options.end(), {"--set", "federation.partial=0.9"});
  expect_code(run(some.start("part", options)), 0);

  EXPECT_TRUE(some.of("part").all<facts::revoked>().empty());
  std::map<client_id, std::uint64_t> most;
  for (const auto& x : some.of("all").all<facts::accepted>())
    most[x.client] = x.steps;
  std::uint64_t cut = 0, whole = 0;
  for (const auto& x : some.of("part").all<facts::accepted>()) {
    EXPECT_GE(x.steps, 1u);
    if (most.contains(x.client))
      ++(x.steps < most[x.client] ? cut : whole);
  }
  EXPECT_GT(cut, 0u);
  EXPECT_GT(whole, 0u);
  for (const auto& x : some.of("part").all<facts::published>())
    EXPECT_EQ(x.updates, 5u);
}

// By the wall's clock nobody can tell how far a client comes, but its journal.
TEST(partial_work_test, trains_for_so_many_seconds) {
  study some{quick_fedavg(6)};
  expect_code(run(some.start("run", {"--set", "client.seconds=0.02", "--set",
                                        "client.epochs=100000"})),
      0);

  for (const auto& x : some.of("run").all<facts::accepted>()) {
    EXPECT_GE(x.steps, 1u);
    EXPECT_GE(x.seconds, 0.02);
  }
  expect_code(run(troupe({"audit", some.of("run").root(), "--retrain"})), 0);
}

} // namespace

} // namespace troupe::tests
