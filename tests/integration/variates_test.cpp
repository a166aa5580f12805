// SCAFFOLD and FedDyn: what clients and server keep is neither lost nor counted
// twice, whoever trains and whatever is killed.
#include <csignal>
#include <filesystem>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/files/files.hpp"
#include "runtime/record/checkpoint.hpp"
#include "tests/integration/coordination.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

std::string slots(int count) {
  return fmt::format("compute.slots={}", count);
}

class variates_run_test : public testing::TestWithParam<const char*> {
protected:
  static words varied(words more = {}) {
    more.insert(
        more.end(), {"--set", fmt::format("client.method={}", GetParam()),
                        "--set", "client.momentum=0.5"});
    return more;
  }

  /// The server's variate is the mean of all ten clients', by the sign and
  /// scale of either paper: that is, in the last checkpoint.
  static void expect_mean(const record& left) {
    files disk;
    const auto state =
        read_checkpoint(disk, left.checkpoint(left.checkpoints().back()), {});
    const auto scale = std::string{"feddyn"} == GetParam() ? -0.01 : 1.0;
    ASSERT_EQ(state.blocks.size(), 1u);
    EXPECT_EQ(state.blocks[0].name, "variate");
    const auto server = state.blocks[0].values.here->span();
    std::vector<double> mean(server.size());
    auto largest = 0.0;
    for (const auto& each : state.states.all())
      for (std::size_t i = 0; i < mean.size(); ++i) {
        const auto kept = double{each.values.here->span()[i]};
        mean[i] += kept / 10;
        largest = std::max(largest, std::abs(kept));
      }
    EXPECT_GT(largest, 1e-4);
    for (std::size_t i = 0; i < mean.size(); ++i)
      ASSERT_NEAR(scale * double{server[i]}, mean[i], 1e-6) << i;
  }
};
INSTANTIATE_TEST_SUITE_P(methods, variates_run_test,
    testing::Values("scaffold", "feddyn"),
    [](const auto& p) { return std::string{p.param}; });

TEST_P(variates_run_test, make_one_model_at_any_number_of_slots_and_shards) {
  study some{quick_fedavg(20)};
  expect_code(run(some.start("1", varied({"--set", slots(1)}))), 0);
  const auto expected = some.of("1").model_sha256();
  expect_mean(some.of("1"));
  expect_code(run(some.start("sgd")), 0);
  EXPECT_NE(some.of("sgd").model_sha256(), expected);

  for (auto count : {2, 5}) {
    const auto name = std::to_string(count);
    expect_code(run(some.start(name,
                    varied({"--set", slots(count), "--set",
                        fmt::format("federation.shards={}", count - 1)}))),
        0);
    EXPECT_EQ(some.of(name).model_sha256(), expected);
  }
  expect_code(run(troupe({"audit", some.of("5").root(), "--retrain"})), 0);
}

TEST_P(variates_run_test, go_on_behind_five_kills) {
  study some{quick_fedavg(30)};
  const auto goal = 5 + kill_five_times(some, "killed", varied());
  expect_code(run(some.resume("killed", rounds(goal))), 0);
  expect_code(run(some.start("whole", rounds(goal, varied()))), 0);

  EXPECT_EQ(some.of("killed").model_sha256(), some.of("whole").model_sha256());
  expect_mean(some.of("killed"));
  expect_code(run(troupe({"audit", some.of("killed").root(), "--retrain"})), 0);
}

TEST_P(variates_run_test, cross_to_nodes_of_which_one_dies) {
  study some{quick_fedavg(40)};
  expect_code(run(some.start("alone", varied())), 0);

  coordination both{
      some, "both", varied({"--set", "compute.slots=0", "--min-nodes", "2"})};
  auto first = both.join("first"), second = both.join("second");
  ASSERT_TRUE(both.coordinator().until([&] {
    return both.left().last_published() >= 5;
  })) << both.coordinator().err();
  first->signal(SIGKILL);
  first->wait();
  EXPECT_EQ(both.coordinator().wait().code, 0) << both.coordinator().err();
  EXPECT_EQ(second->wait().code, 0) << second->err();

  EXPECT_EQ(both.left().model_sha256(), some.of("alone").model_sha256());
  expect_mean(both.left());
}

TEST_P(variates_run_test, are_those_that_counted_in_rounds_with_deadlines) {
  study some{quick_fedavg(30)};
  const auto hurried = varied({"--set", "federation.over_select=1.6", "--set",
      "federation.deadline_median=1", "--set", "run.order=virtual", "--set",
      "clock.spread=1"});
  expect_code(run(some.start("run", hurried)), 0);
  EXPECT_FALSE(some.of("run").all<facts::revoked>().empty());
  expect_mean(some.of("run"));
}

TEST(variates_check_test, refuses_rules_without_rounds) {
  study some{quick_fedbuff(5)};
  const auto said =
      run(troupe({"check", some.config(), "--set", "client.method=scaffold"}));

  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err,
      testing::HasSubstr("moves control variates by rounds, which "
                         "federation.rule = \"fedbuff\" does not: set "
                         "\"fedavg\", or another method"));
}

} // namespace

} // namespace troupe::tests
