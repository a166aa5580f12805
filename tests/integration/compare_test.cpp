// Real runs side by side.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

nlohmann::json compare(const study& some, const words& runs, words more = {}) {
  words all{"compare", "--json"};
  for (const auto& each : runs)
    all.push_back(some / each);
  all.insert(all.end(), more.begin(), more.end());
  auto said = run(troupe(std::move(all)));
  expect_code(said, 0);
  return nlohmann::json::parse(said.out);
}

TEST(compare_test, holds_a_run_without_rounds_against_one_in_rounds) {
  study some{quick_fedavg(8)};
  write(some / "buffered.toml", quick_fedbuff(16));
  expect_code(run(some.start("a")), 0);
  expect_code(
      run(troupe({"run", some / "buffered.toml", "--out", some / "b"})), 0);
  auto before = some.of("a").files();

  auto told = compare(some, {"a", "b"}, {"--svg", some / "both.svg"});

  for (const auto* name : {"a", "b"}) {
    const auto& it = told.at("runs").at(name == std::string{"b"});
    auto summary = some.of(name).summary();
    auto last = some.of(name).history().back();
    EXPECT_EQ(it.at("name"), name);
    EXPECT_EQ(it.at("outcome"), "completed");
    EXPECT_EQ(it.at("rule"), summary.at("rule"));
    EXPECT_EQ(it.at("versions"), summary.at("version"));
    EXPECT_EQ(it.at("updates"), summary.at("updates_accepted"));
    EXPECT_EQ(it.at("last").at("accuracy"), summary.at("accuracy"));
    EXPECT_EQ(it.at("best").at("accuracy"), summary.at("best_accuracy"));
    EXPECT_EQ(it.at("best").at("version"), summary.at("best_version"));
    EXPECT_GE(it.at("seconds"), last.seconds);
    EXPECT_GE(it.at("reached").at("accuracy"), told.at("target"));
  }
  EXPECT_EQ(told.at("differences").at("federation.buffer"),
      (nlohmann::json{nullptr, 3}));
  EXPECT_TRUE(holds(content(some / "both.svg"), ">2 runs<"));
  EXPECT_EQ(some.of("a").files(), before);
}

// One seed gives one model; only its time is another.
TEST(compare_test, finds_runs_of_one_seed_equal) {
  study some{quick_fedavg(8)};
  for (const auto* name : {"a", "b"})
    expect_code(run(some.start(name)), 0);

  auto told = compare(some, {"a", "b"}, {"--no-svg"});

  EXPECT_TRUE(told.at("differences").empty());
  const auto& a = told.at("runs").at(0);
  const auto& b = told.at("runs").at(1);
  for (const auto* at : {"last", "best", "reached"})
    for (const auto* figure : {"version", "updates", "accuracy"})
      EXPECT_EQ(a.at(at).at(figure), b.at(at).at(figure)) << at << figure;
}

TEST(compare_test, looks_at_runs_that_are_under_way_or_were_stopped) {
  study some{quick_fedavg(8)};
  process it{some.start("a", endless())};
  ASSERT_TRUE(it.until([&] { return some.of("a").history().size() >= 2; }))
      << it.err();

  auto during = compare(some, {"a"}, {"--no-svg"}).at("runs").at(0);
  it.signal(SIGINT);
  EXPECT_EQ(it.wait().code, 130);
  auto after = compare(some, {"a"}, {"--no-svg"}).at("runs").at(0);

  EXPECT_EQ(during.at("outcome"), "running");
  EXPECT_GE(during.at("versions"), 4);
  EXPECT_EQ(after.at("outcome"), "unfinished");
  EXPECT_GE(after.at("versions"), during.at("versions"));
}

TEST(compare_test, draws_where_it_is_started) {
  study some{quick_fedavg(4)};
  expect_code(run(some.start("a")), 0);
  auto what = troupe({"compare", "a"});
  what.directory = some.of("a").root().parent_path();

  auto said = run(what);

  expect_code(said, 0);
  EXPECT_TRUE(holds(said.out, "\ndrawn in comparison.svg\n")) << said.out;
  EXPECT_TRUE(holds(content(some / "comparison.svg"), "<svg "));
}

} // namespace

} // namespace troupe::tests
