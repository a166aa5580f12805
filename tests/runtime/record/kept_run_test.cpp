#include "runtime/record/kept_run.hpp"

#include <filesystem>
#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/record/written_run.hpp"
#include "tests/runtime/scratch_directory.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
using tests::rows_of;
using tests::write_text;

class kept_run_test : public testing::Test {
protected:
  kept_run_test() { tests::write_run(root_, {}, rows_of({0.5, 0.75})); }

  kept_run read() const {
    return read_kept_run(files::system(), run_directory{root_});
  }
  std::string refusal() const {
    try {
      read();
      return {};
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
  std::string path(const std::string& name) const {
    return (root_ / name).string();
  }

  tests::scratch_directory scratch_;
  std::filesystem::path root_ = scratch_ / "run";
};

TEST_F(kept_run_test, goes_by_the_history_where_there_is_no_summary) {
  const auto found = read();

  EXPECT_EQ(found.outcome, "unfinished");
  EXPECT_EQ(found.history, rows_of({0.5, 0.75}));
  EXPECT_EQ(found.version, 20u);
  EXPECT_EQ(found.updates, 100u);
  EXPECT_EQ(found.seconds, 4.0);
  EXPECT_EQ(found.config, configuration{});
}

TEST_F(kept_run_test, believes_a_summary_that_knows_more) {
  tests::write_summary(root_, 25, 125, 5.5);

  const auto found = read();

  EXPECT_EQ(found.outcome, "completed");
  EXPECT_EQ(found.version, 25u);
  EXPECT_EQ(found.updates, 125u);
  EXPECT_EQ(found.seconds, 5.5);
}

// A process counts its own seconds.
TEST_F(kept_run_test, counts_the_seconds_of_all_processes) {
  tests::write_summary(root_, 20, 100, 1.5);

  EXPECT_EQ(read().seconds, 4.0);
}

TEST_F(kept_run_test, leaves_out_the_summary_of_an_earlier_end) {
  tests::write_summary(root_, 10, 50, 9.0);

  const auto found = read();

  EXPECT_EQ(found.outcome, "unfinished");
  EXPECT_EQ(found.version, 20u);
  EXPECT_EQ(found.seconds, 4.0);
}

TEST_F(kept_run_test, leaves_out_a_summary_that_is_torn) {
  for (const auto* torn : {"", "{\"outcome\": \"compl", "[]",
           "{\"outcome\": 1, \"version\": \"x\"}"}) {
    write_text(root_ / "summary.json", torn);

    EXPECT_EQ(read().outcome, "unfinished") << torn;
  }
}

TEST_F(kept_run_test, knows_a_run_under_way_by_its_lock) {
  tests::write_summary(root_, 20, 100, 4.0);
  const auto held = files::system().lock(root_);

  EXPECT_EQ(read().outcome, "running");
}

TEST_F(kept_run_test, has_room_for_a_run_that_was_not_scored_yet) {
  tests::write_run(root_, {}, {});

  const auto found = read();

  EXPECT_TRUE(found.history.empty());
  EXPECT_EQ(found.version, 0u);
}

TEST_F(kept_run_test, leaves_out_a_torn_row_and_scores_that_are_none) {
  auto rows = rows_of({0.5, 0.75, 0.8});
  rows[1].accuracy = std::numeric_limits<double>::quiet_NaN();
  write_text(root_ / "history.csv", history_header() + to_csv(rows[0]) +
                                        to_csv(rows[1]) + to_csv(rows[2]) +
                                        "40,8.0,0.5");

  EXPECT_EQ(read().history, (std::vector{rows[0], rows[2]}));
}

TEST_F(kept_run_test, names_a_history_that_is_missing_or_is_none) {
  write_text(root_ / "history.csv", "ten,twenty\n");
  EXPECT_THAT(
      refusal(), HasSubstr(path("history.csv") + " is no history of a run"));

  std::filesystem::remove(root_ / "history.csv");
  EXPECT_THAT(refusal(), HasSubstr(path("history.csv") + " is missing"));
}

TEST_F(kept_run_test, names_a_configuration_that_cannot_be_read) {
  const auto whole = to_toml({});
  write_text(root_ / "config.toml", "[run\n");
  EXPECT_THAT(refusal(), HasSubstr(path("config.toml") + ":1: "));

  std::filesystem::remove(root_ / "config.toml");
  EXPECT_THAT(refusal(), HasSubstr(path("config.toml") + " cannot be read"));
}

// Without the rest, all of that would be at its default.
TEST_F(kept_run_test, refuses_every_configuration_that_lost_its_end) {
  const auto whole = to_toml({});
  const auto compute = whole.find("[compute]");
  for (std::size_t size = 0; size <= compute; size += 7) {
    write_text(root_ / "config.toml", whole.substr(0, size));

    EXPECT_THAT(refusal(), HasSubstr(path("config.toml"))) << size;
  }
}

} // namespace
} // namespace troupe
