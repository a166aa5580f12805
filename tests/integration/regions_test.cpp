// A hierarchy in real processes: one seed gives one model through kills and
// interruptions, and whoever asks is told what stands where.
#include <csignal>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/coordination.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

using testing::HasSubstr;

// Each region has a momentum, draws half of its clients, and makes two rounds
// under a lease: all of that has to outlast a kill.
std::string quick_regions(std::uint64_t rounds) {
  auto result = quick_fedavg(rounds);
  return result.insert(result.find("fraction"),
      "regions = [\"3: rule=fedavg fraction=0.5 server=fedavgm "
      "server_momentum=0.5 rounds=2\"]\n");
}

TEST(regions_test, make_one_model_through_five_kills) {
  study some{quick_regions(30)};
  std::uint64_t reached = 0;
  for (int kill = 0; kill < 5; ++kill) {
    process one{
        kill == 0 ? some.start("killed", endless()) : some.resume("killed")};
    ASSERT_TRUE(one.until([&] {
      return some.of("killed").last_published() > reached + 4;
    })) << one.err();
    one.signal(SIGKILL);
    one.wait();
    reached = some.of("killed").last_published();
  }
  const auto goal = reached + 5;
  expect_code(run(some.resume("killed", rounds(goal))), 0);
  expect_code(run(some.start("whole", rounds(goal))), 0);

  EXPECT_EQ(some.of("killed").model_sha256(), some.of("whole").model_sha256());
  const auto audited = run(troupe({"audit", some.of("killed").root()}));
  expect_code(audited, 0);
}

TEST(regions_test, make_it_through_an_interruption) {
  study some{quick_regions(30)};
  process one{some.start("stopped", endless())};
  ASSERT_TRUE(one.until([&] {
    return some.of("stopped").last_published() > 4;
  })) << one.err();
  one.signal(SIGINT);
  EXPECT_EQ(one.wait().code, 130);
  const auto goal = some.of("stopped").last_published() + 5;
  expect_code(run(some.resume("stopped", rounds(goal))), 0);
  expect_code(run(some.start("whole", rounds(goal))), 0);

  EXPECT_EQ(some.of("stopped").model_sha256(), some.of("whole").model_sha256());
}

TEST(regions_test, make_it_at_any_number_of_slots) {
  study some{quick_regions(20)};
  expect_code(run(some.start("1", {"--set", "compute.slots=1"})), 0);
  expect_code(run(some.start("5", {"--set", "compute.slots=5"})), 0);

  EXPECT_EQ(some.of("1").model_sha256(), some.of("5").model_sha256());
}

TEST(regions_test, that_only_sum_make_the_model_of_a_flat_run) {
  study flat{quick_fedavg(20)};
  expect_code(run(flat.start("run")), 0);
  auto text = quick_fedavg(20);
  text.insert(text.find("fraction"), "regions = [\"4: rule=none\"]\n");
  study edges{text};
  for (const auto* slots : {"1", "2", "5"})
    expect_code(run(edges.start(
                    slots, {"--set", fmt::format("compute.slots={}", slots)})),
        0);

  for (const auto* slots : {"1", "2", "5"})
    EXPECT_EQ(edges.of(slots).model_sha256(), flat.of("run").model_sha256());
  expect_code(run(troupe({"audit", edges.of("2").root(), "--retrain"})), 0);
}

TEST(regions_test, are_shown) {
  study some{quick_regions(20)};
  const auto checked = run(troupe({"check", some.config()}));
  expect_code(checked, 0);
  EXPECT_THAT(checked.out,
      HasSubstr("10 clients in 3 regions by fedavg (2 rounds), 2 a round"));
  const auto drawn = run(troupe({"topology", some.config()}));
  expect_code(drawn, 0);
  EXPECT_THAT(drawn.out, HasSubstr("region x3"));
  EXPECT_THAT(drawn.out, HasSubstr("bench"));
}

struct nonsense {
  const char* regions;
  const char* said;
};

class nonsense_test : public testing::TestWithParam<nonsense> {};

TEST_P(nonsense_test, is_refused_by_name) {
  study some{quick_fedavg(20)};
  const auto checked = run(troupe({"check", some.config(), "--set",
      fmt::format("federation.regions={}", GetParam().regions)}));
  expect_code(checked, 2);
  EXPECT_THAT(checked.err, HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(regions, nonsense_test,
    testing::Values(
        nonsense{"[\"11: rule=fedavg\"]", "makes 11 regions or edges of "
                                          "federation.clients = 10"},
        nonsense{"[\"2\", \"6\"]", "makes 12 regions or edges"},
        nonsense{"[\"0\"]", "a level begins with how many regions"},
        nonsense{"[\"rule=fedavg\"]", "a level begins with how many regions"},
        nonsense{"[\"2: rule=fedavgg\"]", "federation.rule"},
        nonsense{"[\"2: buffer=3\"]", "federation.buffer"},
        nonsense{"[\"2: clients=3\"]", "said once, for the whole run"},
        nonsense{"[\"2: rule=none fraction=0.5\"]", "go by no other key"},
        nonsense{"[\"2: rule=none\", \"2\"]", "below edges that only sum"},
        nonsense{"[\"2\", \"2: rule=none\"]", "give all of them a rule"}));

TEST(regions_test, do_not_go_with_what_knows_no_regions) {
  study some{quick_regions(20)};
  const auto refused = [&](words more) {
    more.insert(more.begin(), {"check", some.config()});
    const auto said = run(troupe(more));
    expect_code(said, 2);
    return said.err;
  };
  EXPECT_THAT(
      refused({"--set", "run.order=virtual"}), HasSubstr("whose clock"));
  EXPECT_THAT(refused({"--set", "client.method=scaffold"}),
      HasSubstr("control variates"));
  EXPECT_THAT(refused({"--set", "federation.residents=true"}),
      HasSubstr("lets nodes bring others"));
  const auto simulated = run(troupe({"simulate", some.config()}));
  expect_code(simulated, 2);
}

// Any of them trains at any node, which has the data of its clients; what it
// keeps goes with its leases.
TEST(regions_test, make_it_at_nodes) {
  const study what{quick_regions(20)};
  expect_code(run(what.start("alone")), 0);
  for (const std::size_t nodes : {1, 2}) {
    const auto name = fmt::format("over-{}", nodes);
    // The coordinator only listens: all that is trained is trained elsewhere.
    coordination all{what, name,
        {"--min-nodes", std::to_string(nodes), "--set", "compute.slots=0"}};
    std::vector<std::unique_ptr<process>> joined;
    for (std::size_t i = 0; i < nodes; ++i)
      joined.push_back(all.join(fmt::format("node-{}", i)));

    EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
    for (auto& each : joined)
      EXPECT_EQ(each->wait().code, 0) << each->out() << each->err();
    EXPECT_EQ(all.left().model_sha256(), what.of("alone").model_sha256());
    // One delta a region and version came, of all that its clients made.
    EXPECT_EQ(all.left().all<facts::accepted>().size(), 2u * 20u);
  }
}

TEST(regions_test, lose_nothing_when_a_node_is_killed) {
  const study what{quick_regions(200)};
  expect_code(run(what.start("alone")), 0);
  coordination all{what, "killed", {"--min-nodes", "2"}};
  auto alpha = all.join("alpha");
  auto beta = all.join("beta");
  ASSERT_TRUE(all.coordinator().says("version "));

  alpha->signal(SIGKILL);

  ASSERT_TRUE(all.coordinator().says("node alpha is lost", patience{10'000}));
  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(beta->wait().code, 0) << beta->err();
  EXPECT_EQ(all.left().model_sha256(), what.of("alone").model_sha256());
  EXPECT_TRUE(all.left().all<facts::client_failed>().empty());
}

} // namespace

} // namespace troupe::tests
