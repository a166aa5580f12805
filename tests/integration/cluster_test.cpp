// A run over several processes, with nodes that come, lag, leave and die: the
// same bits as in one, and nothing is lost.
#include <csignal>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/coordination.hpp"

namespace troupe::tests {

namespace {

using testing::HasSubstr;

std::string undisturbed(const study& what, words options = {}) {
  expect_code(run(what.start("undisturbed", std::move(options))), 0);
  return what.of("undisturbed").model_sha256();
}

/// Nodes of that name that were lost, or have left in order.
std::size_t gone(const record& left, const std::string& name, bool lost) {
  std::size_t result = 0;
  for (const auto& each : left.all<facts::node_left>())
    result += each.name == name && each.lost == lost;
  return result;
}

TEST(cluster_test, makes_the_bits_of_one_process) {
  const study what{quick_fedavg(30)};
  const auto expected = undisturbed(what);
  for (const std::size_t nodes : {1, 3}) {
    const auto name = fmt::format("over-{}", nodes);
    coordination all{what, name, {"--min-nodes", std::to_string(nodes)}};
    std::vector<std::unique_ptr<process>> joined;
    for (std::size_t i = 0; i < nodes; ++i)
      joined.push_back(all.join(fmt::format("node-{}", i)));

    EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
    for (auto& each : joined)
      EXPECT_EQ(each->wait().code, 0) << each->out() << each->err();

    EXPECT_EQ(all.left().model_sha256(), expected);
    EXPECT_EQ(all.left().all<facts::node_joined>().size(), nodes);
    expect_code(run(troupe({"audit", what / name})), 0);
  }
}

TEST(cluster_test, loses_nothing_when_a_node_is_killed) {
  const study what{quick_fedavg(400)};
  const auto expected = undisturbed(what);
  coordination all{what, "killed", {"--min-nodes", "2"}};
  auto alpha = all.join("alpha");
  auto beta = all.join("beta");
  ASSERT_TRUE(all.coordinator().says("version "));

  alpha->signal(SIGKILL);

  ASSERT_TRUE(all.coordinator().says("node alpha is lost", patience{10'000}));
  auto again = all.join("alpha");
  ASSERT_TRUE(again->says("takes part")) << again->err();
  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(beta->wait().code, 0) << beta->err();
  EXPECT_EQ(again->wait().code, 0) << again->err();
  EXPECT_EQ(all.left().model_sha256(), expected);
  EXPECT_EQ(gone(all.left(), "alpha", true), 1u);
  EXPECT_TRUE(all.left().all<facts::client_failed>().empty());
  expect_code(run(troupe({"audit", what / "killed"})), 0);
}

TEST(cluster_test, finds_a_silent_node_within_its_bound) {
  const study what{quick_fedavg(400)};
  const auto expected = undisturbed(what);
  coordination all{what, "silent", {"--min-nodes", "1", "--silence", "1"}};
  auto alpha = all.join("alpha");
  ASSERT_TRUE(all.coordinator().says("version "));

  alpha->signal(SIGSTOP);

  ASSERT_TRUE(all.coordinator().says(
      "node alpha is lost: it was silent for 1 s", patience{10'000}));
  alpha->signal(SIGCONT);
  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(all.left().model_sha256(), expected);
}

TEST(cluster_test, finds_its_nodes_again_after_a_restart) {
  const study what{quick_fedavg(400)};
  const auto expected = undisturbed(what);
  coordination all{what, "restarted", {"--min-nodes", "1"}};
  auto alpha = all.join("alpha");
  ASSERT_TRUE(all.coordinator().says("version "));

  all.coordinator().signal(SIGKILL);
  all.coordinator().wait();
  ASSERT_TRUE(alpha->says("the coordinator is gone"));
  all.restart({"--min-nodes", "1"});

  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(alpha->wait().code, 0) << alpha->out() << alpha->err();
  EXPECT_EQ(all.left().model_sha256(), expected);
  expect_code(run(troupe({"audit", what / "restarted"})), 0);
}

/// Clients and bases whose updates a crash took back, and those that were then
/// handed in.
struct taken_back {
  std::size_t again = 0;
  std::size_t handed_in = 0;
};

taken_back updates_of(const record& left) {
  std::set<std::pair<client_id, version_id>> before;
  taken_back result;
  bool resumed = false;
  for (const auto& f : left.every()) {
    resumed |= std::holds_alternative<facts::voided>(f.what);
    const auto* x = std::get_if<facts::accepted>(&f.what);
    if (!x)
      continue;
    if (!resumed)
      before.emplace(x->client, x->base);
    else if (before.contains({x->client, x->base}))
      ++result.again;
    result.handed_in += x->handed_in;
  }
  return result;
}

// The coordinator trains as well, and what it had trained itself is lost.
TEST(cluster_test, trains_nothing_twice_that_a_node_has_kept) {
  const study what{quick_fedavg(260)};
  const auto expected = undisturbed(what);
  coordination all{
      what, "kept", {"--min-nodes", "1", "--set", "run.checkpoint_every=100"}};
  auto alpha = all.join("alpha");
  ASSERT_TRUE(all.coordinator().until([&] {
    const auto durable = all.left().checkpoints();
    return !durable.empty() &&
           all.left().last_published() >= durable.back() + 30;
  }));

  all.coordinator().signal(SIGKILL);
  all.coordinator().wait();
  ASSERT_TRUE(alpha->says("the coordinator is gone"));
  all.restart({"--min-nodes", "1"});

  EXPECT_TRUE(alpha->says("updates are kept that version ")) << alpha->out();
  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(alpha->wait().code, 0) << alpha->out() << alpha->err();
  const auto found = updates_of(all.left());
  EXPECT_GE(found.again, 100u);
  EXPECT_GE(found.handed_in, found.again / 10);
  EXPECT_LE(found.handed_in, found.again + 100); // some were never accepted
  EXPECT_EQ(all.left().model_sha256(), expected);
  const auto said = run(troupe({"audit", what / "kept", "--retrain"}));
  expect_code(said, 0);
  EXPECT_THAT(said.out, HasSubstr("checksums of all sums"));
}

TEST(cluster_test, drains_a_node_that_is_told_to_leave) {
  const study what{quick_fedavg(400)};
  const auto expected = undisturbed(what);
  coordination all{what, "drained", {"--min-nodes", "2"}};
  auto alpha = all.join("alpha");
  auto beta = all.join("beta");
  ASSERT_TRUE(all.coordinator().says("version "));

  expect_code(all.ask("drain", {"alpha"}), 0);
  beta->signal(SIGINT);

  EXPECT_EQ(alpha->wait().code, 0) << alpha->out();
  EXPECT_THAT(alpha->out(), HasSubstr("drained"));
  EXPECT_EQ(beta->wait().code, 0) << beta->out();
  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(gone(all.left(), "alpha", false), 1u);
  EXPECT_EQ(gone(all.left(), "beta", false), 1u);
  EXPECT_TRUE(all.left().all<facts::requeued>().empty());
  EXPECT_EQ(all.left().model_sha256(), expected);
}

TEST(cluster_test, tells_who_is_there) {
  const study what{quick_fedavg(400)};
  coordination all{what, "asked", endless({"--min-nodes", "1"})};
  auto alpha = all.join("alpha");
  ASSERT_TRUE(all.coordinator().says("version "));

  const auto said = all.ask("status", {"--json"});

  expect_code(said, 0);
  const auto json = nlohmann::json::parse(said.out);
  ASSERT_EQ(json.at("nodes").size(), 1u);
  EXPECT_EQ(json.at("nodes")[0].at("name"), "alpha");
  EXPECT_EQ(json.at("nodes")[0].at("state"), "member");
  EXPECT_THAT(all.ask("status").out, HasSubstr("alpha"));
  const auto nobody = all.ask("drain", {"gamma"});
  expect_code(nobody, 1);
  EXPECT_THAT(nobody.err, HasSubstr("there is no node gamma"));
}

TEST(cluster_test, lets_in_by_certificate_alone_under_tls) {
  const study what{quick_fedavg(30)};
  const auto expected = undisturbed(what);
  const std::string certs = what / "certs";
  expect_code(run(troupe({"certs", "init", certs})), 0);
  expect_code(run(troupe({"certs", "issue", certs, "alpha"})), 0);
  coordination all{what, "tls", {"--min-nodes", "1", "--tls", certs}};

  auto in_the_clear = all.join("beta");
  ASSERT_TRUE(in_the_clear->says("waiting for "));
  auto alpha = all.join("alpha", {"--tls", certs});

  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(alpha->wait().code, 0) << alpha->out() << alpha->err();
  EXPECT_EQ(all.left().model_sha256(), expected);
  for (const auto& each : all.left().all<facts::node_joined>())
    EXPECT_EQ(each.name, "alpha");
}

TEST(cluster_test, opens_itself_to_others_only_under_tls) {
  const study what{quick_fedavg(3)};

  const auto refused = run(what.start("open", {"--listen", "0.0.0.0:0"}));
  expect_code(refused, 1);
  EXPECT_THAT(refused.err, HasSubstr("--tls DIR"));

  expect_code(
      run(what.start("insecure", {"--listen", "0.0.0.0:0", "--insecure"})), 0);
}

TEST(cluster_test, waits_for_nodes_as_long_as_it_has_patience) {
  const study what{quick_fedavg(3)};

  const auto alone = run(what.start("alone",
      {"--listen", "127.0.0.1:0", "--min-nodes", "2", "--patience", "0.5"}));

  expect_code(alone, 1);
  EXPECT_THAT(alone.err, HasSubstr("0 of 2 nodes have come within 0.5 s"));
  const auto waits = what.of("alone").all<facts::waiting>();
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits.front().needs, "nodes");
}

} // namespace

} // namespace troupe::tests
