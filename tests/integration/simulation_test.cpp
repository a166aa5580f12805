// A simulation makes what a run in virtual order makes, and tells it likewise.
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

words uneven(words more = {}) {
  more.insert(
      more.end(), {"--set", "clock.spread=1", "--set", "clock.jitter=0.3"});
  return more;
}

command simulation(const study& of, const std::string& name, words options) {
  options.insert(options.begin(),
      {"simulate", of.config(), "--out", (of / name).string()});
  return troupe(std::move(options));
}

/// Who counted in which version, from which, and what it added.
using sequence = std::vector<
    std::tuple<lease_id, client_id, version_id, std::uint64_t, std::uint64_t>>;

sequence counted(const record& left) {
  sequence result;
  for (const auto& x : left.all_standing<facts::accepted>())
    result.emplace_back(x.lease, x.client, x.base, x.staleness, x.checksum);
  return result;
}

std::vector<double> clocks(const record& left) {
  std::vector<double> result;
  for (const auto& x : left.all_standing<facts::published>())
    result.push_back(x.clock);
  return result;
}

class simulation_test : public testing::TestWithParam<const char*> {
protected:
  static std::string quick(std::uint64_t versions) {
    return tests::quick(GetParam(), versions);
  }
};

TEST_P(simulation_test, makes_what_a_run_in_virtual_order_makes) {
  study some{quick(30)};
  expect_code(
      run(some.start("run", uneven({"--set", "run.order=virtual"}))), 0);
  expect_code(run(simulation(some, "simulated", uneven())), 0);

  const auto left = some.of("simulated"), expected = some.of("run");
  EXPECT_EQ(left.model_sha256(), expected.model_sha256());
  EXPECT_EQ(counted(left), counted(expected));
  EXPECT_EQ(clocks(left), clocks(expected));
  EXPECT_EQ(left.summary().at("accuracy"), expected.summary().at("accuracy"));
  expect_code(run(troupe({"audit", left.root(), "--retrain"})), 0);
  expect_code(
      run(troupe({"compare", left.root(), expected.root(), "--no-svg"})), 0);
}

TEST_P(simulation_test, tells_one_history_of_one_seed) {
  study some{quick(12)};
  expect_code(run(simulation(some, "one", uneven())), 0);
  expect_code(run(simulation(some, "again", uneven())), 0);
  expect_code(run(simulation(some, "other", uneven({"--seed", "2"}))), 0);

  EXPECT_EQ(some.of("one").journal(), some.of("again").journal());
  EXPECT_EQ(content(some.of("one") / "history.csv"),
      content(some.of("again") / "history.csv"));
  EXPECT_NE(counted(some.of("one")), counted(some.of("other")));
}

INSTANTIATE_TEST_SUITE_P(of, simulation_test,
    testing::Values("fedavg", "fedbuff", "fedasync", "deadline", "scaffold",
        "backups", "switched"),
    [](const auto& rule) { return std::string{rule.param}; });

TEST(simulating_test, ends_where_its_target_is_reached) {
  study some{quick_fedbuff(200)};
  const words target{"--set", "run.target_accuracy=0.5"};
  auto in_order = uneven(target);
  in_order.insert(in_order.end(), {"--set", "run.order=virtual"});
  expect_code(run(some.start("run", in_order)), 0);
  expect_code(run(simulation(some, "simulated", uneven(target))), 0);

  const auto left = some.of("simulated");
  EXPECT_EQ(left.summary().at("outcome"), "target_reached");
  EXPECT_EQ(left.model_sha256(), some.of("run").model_sha256());
  EXPECT_EQ(counted(left), counted(some.of("run")));
}

// What a crash takes back is told so, and what stands is trained anew by it.
TEST(simulating_test, goes_on_behind_crashes_and_tells_the_truth) {
  study some{quick_fedbuff(30)};
  const auto troubled = uneven({"--set", "simulation.crash_seconds=5", "--set",
      "simulation.restart_seconds=1", "--set", "simulation.loss=0.1", "--set",
      "simulation.duplicate=0.2", "--set", "simulation.available=0.8", "--set",
      "simulation.stay_seconds=5", "--set", "simulation.up=1e5", "--set",
      "run.checkpoint_every=2"});
  expect_code(run(simulation(some, "troubled", troubled)), 0);

  const auto left = some.of("troubled");
  const auto told = left.summary().at("simulation");
  EXPECT_GT(told.at("crashes"), 0);
  EXPECT_GT(told.at("bytes_up"), 0.0);
  EXPECT_EQ(left.last_published(), 30u);
  expect_code(run(troupe({"audit", left.root(), "--retrain"})), 0);
}

TEST(simulating_test, trains_nobody_where_it_is_told_so) {
  study some{quick_fedbuff(30)};
  expect_code(run(simulation(some, "none",
                  uneven({"--set", "simulation.training=none", "--set",
                      "simulation.journal=versions"}))),
      0);
  const auto left = some.of("none");
  EXPECT_FALSE(left.has("model.safetensors"));
  EXPECT_TRUE(left.all<facts::accepted>().empty());
  EXPECT_EQ(left.all<facts::published>().size(), 30u);
  EXPECT_EQ(left.summary().at("accuracy"), nullptr);

  const auto said = run(simulation(some, "model",
      uneven({"--set", "simulation.training=model", "--set",
          "simulation.rate=30"})));
  expect_code(said, 0);
  EXPECT_TRUE(holds(said.out, "not by training")) << said.out;
  EXPECT_GT(some.of("model").summary().at("accuracy"), 0.8);
  expect_code(run(troupe({"audit", some.of("model").root()})), 0);
}

TEST(simulating_test, believes_a_trace_and_refuses_a_torn_one) {
  study some{quick_fedbuff(20)};
  const auto with = [&](const std::string& text) {
    write(some / "trace.csv", text);
    return uneven(
        {"--set", "simulation.trace=" + (some / "trace.csv").string()});
  };
  std::string absent{"client,start,end\n"};
  for (int client = 3; client < 10; ++client)
    absent += std::to_string(client) + ",1e8,1e9\n";
  expect_code(run(simulation(some, "few", with(absent))), 0);
  for (const auto& x : some.of("few").all<facts::leased>())
    EXPECT_LT(x.client, 3u);

  const auto torn = run(simulation(some, "torn", with(absent + "0,1")));
  expect_code(torn, 2);
  EXPECT_TRUE(holds(torn.err, "trace.csv:9: it is torn")) << torn.err;
}

TEST(simulating_test, has_no_other_order_than_its_own) {
  study some{quick_fedavg(2)};
  const auto said =
      run(simulation(some, "refused", {"--set", "run.order=arrival"}));
  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, "run.order")) << said.err;
}

} // namespace

} // namespace troupe::tests
