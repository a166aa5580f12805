#include "runtime/record/summary.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace troupe {
namespace {

// A resumed process whose rounds were all skipped ends so.
TEST(summary_test, has_trained_no_time_where_nothing_was_published) {
  run_report report;
  report.training_seconds = -0.0009;

  auto told = nlohmann::json::parse(to_json({}, report));

  EXPECT_EQ(told.at("training_seconds"), 0.0);
}

TEST(summary_test, counts_the_samples_and_steps_of_a_mesh) {
  run_report report;
  report.version = 300;
  report.updates = 19200;
  report.steps = 300;
  report.step_seconds = 1.5;
  summary what;
  what.of_mesh = true;

  const auto text = to_json(what, report);

  const auto told = nlohmann::json::parse(text);
  EXPECT_EQ(told.at("samples"), 19200);
  EXPECT_EQ(told.at("steps_per_second"), 200.0);
  EXPECT_FALSE(told.contains("updates_accepted"));
  EXPECT_EQ(end_of(text)->updates, 19200u);
}

} // namespace
} // namespace troupe
