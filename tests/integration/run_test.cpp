// What a run leaves behind, and that its bits depend on the seed alone.
#include <algorithm>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/configuration/configuration.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

class run_test : public testing::Test {
protected:
  // A disk that is slower than a round leaves out versions: of those that were
  // stored, the last few and the best.
  static std::vector<version_id> expected_checkpoints(
      const record& left, std::size_t kept) {
    std::set<version_id> stored;
    for (const auto& x : left.all<facts::stored>())
      stored.insert(x.version);
    std::vector<version_id> result;
    version_id best = left.summary().at("best_version");
    for (auto version : stored)
      if (version == best || std::distance(stored.find(version),
                                 stored.end()) <= std::ptrdiff_t(kept))
        result.push_back(version);
    return result;
  }

  study quick_{quick_fedavg(8)};
};

TEST_F(run_test, leaves_everything_that_it_promises) {
  auto said = run(quick_.start("a", {"--set", "run.evaluate_every=3"}));

  expect_code(said, 0);
  auto left = quick_.of("a");
  std::set<std::string> names;
  for (const auto& [name, bytes] : left.files()) {
    names.insert(name);
    EXPECT_FALSE(bytes.empty()) << name;
  }
  std::erase_if(names, [](const auto& n) { return n.starts_with("check"); });
  EXPECT_EQ(names,
      (std::set<std::string>{"config.toml", "facts.jsonl", "history.csv",
          "history.svg", "incarnation", "model.safetensors", "summary.json"}));
}

TEST_F(run_test, keeps_the_last_three_checkpoints_and_the_best) {
  expect_code(run(quick_.start("a")), 0);

  auto left = quick_.of("a");
  EXPECT_EQ(left.checkpoints(), expected_checkpoints(left, 3));
  EXPECT_EQ(left.checkpoints().back(), 8u);
  EXPECT_EQ(sha256sum(tensor_bytes(left.checkpoint(8))), left.model_sha256());
}

TEST_F(run_test, sums_itself_up) {
  expect_code(run(quick_.start("a")), 0);

  auto left = quick_.of("a");
  auto sum = left.summary();
  EXPECT_EQ(sum.at("version"), 8);
  EXPECT_EQ(sum.at("updates_accepted"), 8 * 5);
  EXPECT_GT(sum.at("accuracy"), 0.1);
  EXPECT_GE(sum.at("best_accuracy"), sum.at("accuracy"));
  EXPECT_GT(sum.at("loss"), 0.0);
  EXPECT_GT(sum.at("startup_seconds"), 0.0);
  EXPECT_GT(sum.at("compute_seconds"), 0.0);
  EXPECT_GT(sum.at("wall_seconds"), sum.at("startup_seconds"));
  EXPECT_FALSE(sum.at("fingerprint").get<std::string>().empty());
  EXPECT_EQ(
      left.model_sha256(), sha256sum(tensor_bytes(left / "model.safetensors")));
  EXPECT_EQ(
      sum.at("file_sha256"), sha256sum(content(left / "model.safetensors")));
}

TEST_F(run_test, writes_its_effective_configuration) {
  expect_code(run(quick_.start("a", {"--seed", "7"})), 0);

  auto then = read_effective_configuration(quick_.of("a") / "config.toml");
  EXPECT_TRUE(then.problems.empty());
  EXPECT_EQ(then.value.run.seed, 7u);
  EXPECT_EQ(then.value.run.rounds, 8u);
  EXPECT_EQ(then.value.federation.clients, 10u);
}

TEST_F(run_test, tells_every_fact_as_a_line_of_json) {
  expect_code(run(quick_.start("a")), 0);

  auto left = quick_.of("a");
  std::uint64_t next = 1;
  for (const auto& line : left.lines()) {
    auto fact = nlohmann::json::parse(line);
    EXPECT_EQ(fact.at("number"), next) << line;
    next += fact.value("count", std::uint64_t{1});
  }
  EXPECT_EQ(left.all<facts::run_started>().size(), 1u);
  EXPECT_EQ(left.all<facts::published>().size(), 8u);
  EXPECT_EQ(left.all<facts::accepted>().size(), 40u);
  EXPECT_EQ(left.all<facts::run_ended>().at(0).outcome, "completed");
}

TEST_F(run_test, draws_a_history_of_each_scored_version) {
  expect_code(run(quick_.start("a")), 0);

  auto left = quick_.of("a");
  auto rows = left.history();
  std::vector<version_id> scored;
  for (const auto& row : rows)
    scored.push_back(row.version);
  EXPECT_EQ(scored, (std::vector<version_id>{2, 4, 6, 8}));
  EXPECT_DOUBLE_EQ(rows.back().accuracy, left.summary().at("accuracy"));
  EXPECT_EQ(rows.back().updates, 40u);
  if (!installed("xmllint"))
    GTEST_SKIP() << "xmllint (Debian package libxml2-utils) is not installed";
  auto drawing = (left / "history.svg").string();
  expect_code(run({{"xmllint", "--noout", drawing}}), 0);
}

TEST_F(run_test, stores_a_model_that_scores_what_the_summary_says) {
  expect_code(run(quick_.start("a")), 0);
  auto model = (quick_.of("a") / "model.safetensors").string();

  auto said = run(troupe({"evaluate", model, quick_.config(), "--json"}));

  expect_code(said, 0);
  auto score = nlohmann::json::parse(said.out);
  EXPECT_EQ(score.at("accuracy"), quick_.of("a").summary().at("accuracy"));
  EXPECT_NEAR(score.at("loss"),
      quick_.of("a").summary().at("loss").get<double>(), 1e-9);
}

TEST_F(run_test, keeps_as_many_checkpoints_as_it_is_told) {
  expect_code(run(quick_.start("a", {"--set", "run.keep_checkpoints=2", "--set",
                                        "run.evaluate_every=0"})),
      0);

  auto left = quick_.of("a");
  EXPECT_EQ(left.checkpoints(), expected_checkpoints(left, 2));
}

TEST_F(run_test, names_its_directory_when_nobody_else_does) {
  auto here = troupe({"run", quick_.config()});
  here.directory = quick_ / ".";

  expect_code(run(here), 0);

  auto found = std::filesystem::directory_iterator(quick_ / "runs");
  EXPECT_EQ(found->path().filename().string().substr(0, 6), "quick-");
  EXPECT_TRUE(record{found->path()}.has("summary.json"));
}

TEST_F(run_test, shares_no_directory_with_a_run_of_the_same_second) {
  auto here = troupe({"run", quick_.config()});
  here.directory = quick_ / ".";
  std::vector<std::unique_ptr<process>> all;
  for (auto i = 0; i < 4; ++i)
    all.push_back(std::make_unique<process>(here));

  for (auto& each : all)
    EXPECT_EQ(each->wait().code, 0) << each->err();

  std::size_t found = 0;
  for (const auto& run : std::filesystem::directory_iterator(quick_ / "runs"))
    found += record{run.path()}.has("summary.json") ? 1 : 0;
  EXPECT_EQ(found, all.size());
}

TEST_F(run_test, shares_a_directory_with_nobody) {
  std::vector<std::unique_ptr<process>> all;
  for (auto i = 0; i < 3; ++i)
    all.push_back(std::make_unique<process>(quick_.start("a")));

  auto won = 0;
  for (auto& each : all) {
    auto how = each->wait();
    won += how.code == 0 ? 1 : 0;
    if (how.code != 0) {
      EXPECT_EQ(how.code, 2) << each->err();
      EXPECT_TRUE(holds(each->err(), "is in use by another troupe process") ||
                  holds(each->err(), "holds a run already"))
          << each->err();
    }
  }
  EXPECT_EQ(won, 1);
  expect_code(run(quick_.start("alone")), 0);
  EXPECT_EQ(quick_.of("a").model_sha256(), quick_.of("alone").model_sha256());
  EXPECT_EQ(quick_.of("a").all<facts::run_started>().size(), 1u);
}

TEST_F(run_test, has_the_same_bits_at_any_number_of_slots) {
  for (auto slots : {"1", "2", "8"})
    expect_code(run(quick_.start(
                    slots, {"--set", std::string{"compute.slots="} + slots})),
        0);

  EXPECT_EQ(quick_.of("1").model_sha256(), quick_.of("2").model_sha256());
  EXPECT_EQ(quick_.of("1").model_sha256(), quick_.of("8").model_sha256());
}

TEST_F(run_test, has_the_same_bits_with_any_number_of_shards) {
  for (auto shards : {"1", "2", "4", "7"})
    expect_code(run(quick_.start(shards,
                    {"--set", std::string{"federation.shards="} + shards})),
        0);

  for (auto shards : {"2", "4", "7"})
    EXPECT_EQ(quick_.of("1").model_sha256(), quick_.of(shards).model_sha256())
        << shards;
}

TEST_F(run_test, has_other_bits_with_another_seed) {
  expect_code(run(quick_.start("one", {"--seed", "1"})), 0);
  expect_code(run(quick_.start("two", {"--seed", "2"})), 0);

  EXPECT_NE(quick_.of("one").model_sha256(), quick_.of("two").model_sha256());
}

TEST_F(run_test, stops_at_the_accuracy_asked_for) {
  expect_code(run(quick_.start("a", {"--set", "run.target_accuracy=0.12"})), 0);

  auto sum = quick_.of("a").summary();
  EXPECT_EQ(sum.at("outcome"), "target_reached");
  EXPECT_GE(sum.at("accuracy"), 0.12);
  EXPECT_LT(sum.at("version"), 8);
}

} // namespace

} // namespace troupe::tests
