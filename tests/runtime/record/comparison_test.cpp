#include "runtime/record/comparison.hpp"

#include <gtest/gtest.h>

#include "tests/runtime/record/written_run.hpp"

namespace troupe {
namespace {

using tests::rows_of;

kept_run run_of(
    const std::string& directory, const std::vector<double>& accuracies) {
  kept_run result;
  result.directory = directory;
  result.history = rows_of(accuracies);
  return result;
}

const comparison::difference* difference_in(
    const comparison& what, const std::string& key) {
  for (const auto& each : what.differences)
    if (each.key == key)
      return &each;
  return nullptr;
}

TEST(comparison_test, aims_at_the_lowest_of_the_best_accuracies) {
  const auto what = compared(
      {run_of("/a", {0.5, 0.8, 0.7}), run_of("/b", {0.6, 0.6, 0.75, 0.9})});

  EXPECT_EQ(what.target, 0.8);
  EXPECT_EQ(what.sides[0].reached->version, 20u);
  EXPECT_EQ(what.sides[1].reached->version, 40u);
  EXPECT_EQ(what.sides[0].last->accuracy, 0.7);
  EXPECT_EQ(what.sides[0].best->accuracy, 0.8);
}

TEST(comparison_test, measures_times_by_the_first_run) {
  auto slow = run_of("/b", {0.2, 0.4, 0.8});
  slow.history[2].seconds = 10.0;

  const auto what = compared({run_of("/a", {0.5, 0.9}), slow}, 0.8);

  EXPECT_EQ(what.sides[0].ratio, 1.0);
  EXPECT_EQ(what.sides[1].ratio, 2.5);
}

TEST(comparison_test, goes_by_virtual_clocks_where_all_have_one) {
  auto quick = run_of("/a", {0.5, 0.9}), slow = run_of("/b", {0.5, 0.9});
  for (auto& row : quick.history)
    row.clock = 100.0 * double(row.version);
  for (auto& row : slow.history)
    row.clock = 300.0 * double(row.version);

  const auto what = compared({quick, slow}, 0.8);
  EXPECT_TRUE(what.on_virtual_clocks);
  EXPECT_EQ(what.sides[1].ratio, 3.0);
  EXPECT_EQ(
      time_of(what, *what.sides[1].reached), what.sides[1].reached->clock);

  const auto mixed = compared({quick, run_of("/c", {0.5, 0.9})}, 0.8);
  EXPECT_FALSE(mixed.on_virtual_clocks);
  EXPECT_EQ(mixed.sides[1].ratio, 1.0);
}

TEST(comparison_test, finds_the_same_of_equal_runs) {
  const auto run = run_of("/a", {0.5, 0.8, 0.7});

  const auto what = compared({run, run});

  EXPECT_TRUE(what.differences.empty());
  EXPECT_EQ(what.sides[0].reached, what.sides[1].reached);
  EXPECT_EQ(what.sides[0].best, what.sides[1].best);
  EXPECT_EQ(what.sides[1].ratio, 1.0);
  EXPECT_NE(what.sides[0].name, what.sides[1].name);
}

TEST(comparison_test, has_no_time_of_a_run_that_never_reaches_the_target) {
  const auto what = compared(
      {run_of("/a", {0.5, 0.8}), run_of("/b", {0.6}), run_of("/c", {0.7, 0.9})},
      0.75);

  EXPECT_FALSE(what.sides[1].reached);
  EXPECT_FALSE(what.sides[1].ratio);
  EXPECT_TRUE(what.sides[2].ratio);
}

TEST(comparison_test, has_no_ratio_to_a_run_that_never_reaches_the_target) {
  const auto what =
      compared({run_of("/a", {0.5}), run_of("/b", {0.6, 0.9})}, 0.75);

  EXPECT_TRUE(what.sides[1].reached);
  EXPECT_FALSE(what.sides[1].ratio);
}

TEST(comparison_test, has_no_ratio_to_no_time) {
  auto instant = run_of("/a", {0.8});
  instant.history[0].seconds = 0.0;

  EXPECT_FALSE(compared({instant, run_of("/b", {0.8})}).sides[1].ratio);
}

TEST(comparison_test, leaves_runs_that_were_not_scored_out_of_the_target) {
  const auto what = compared({run_of("/a", {}), run_of("/b", {0.6})});

  EXPECT_EQ(what.target, 0.6);
  EXPECT_FALSE(what.sides[0].last);
  EXPECT_FALSE(compared({run_of("/a", {})}).target);
}

TEST(comparison_test, has_nothing_to_hold_one_run_against) {
  const auto what = compared({run_of("/a", {0.5, 0.8})});

  EXPECT_TRUE(what.differences.empty());
  EXPECT_EQ(what.target, 0.8);
  EXPECT_EQ(what.sides[0].ratio, 1.0);
}

TEST(comparison_test, shows_the_keys_that_differ_where_they_are_used) {
  auto rounds = run_of("/a", {0.5});
  auto buffered = run_of("/b", {0.5});
  buffered.config = parse_configuration(
      "[federation]\nrule = \"fedbuff\"\nbuffer = 7\n[client]\nlr = 0.5\n", "b")
                        .value;

  const auto what = compared({rounds, buffered});

  using values = std::vector<std::optional<std::string>>;
  ASSERT_TRUE(difference_in(what, "federation.rule"));
  EXPECT_EQ(difference_in(what, "federation.rule")->values,
      (values{"\"fedavg\"", "\"fedbuff\""}));
  EXPECT_EQ(difference_in(what, "federation.buffer")->values,
      (values{std::nullopt, "7"}));
  EXPECT_EQ(difference_in(what, "client.lr")->values, (values{"0.05", "0.5"}));
  EXPECT_FALSE(difference_in(what, "run.seed"));
}

} // namespace
} // namespace troupe
