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

} // namespace
} // namespace troupe
