// The files that people load into their own Prometheus and Grafana.

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/monitoring/for_people.hpp"
#include "tests/monitoring/http_get.hpp"
#include "tests/monitoring/running_process.hpp"
#include "tests/monitoring/subprocess.hpp"

namespace troupe::monitoring {

namespace {

bool served(const std::string& scrape, const std::string& metric) {
  return scrape.find("\n" + metric + " ") != std::string::npos ||
         scrape.find("\n" + metric + "{") != std::string::npos;
}

TEST(dashboards_test, speak_of_metrics_that_are_served) {
  const running_process process;
  const auto scrape = http_get(process.where().port, "/metrics");

  const auto spoken_of = metrics_in(
      read(alerts_file) + read(dashboard_file) + read(mesh_dashboard_file));

  EXPECT_GT(spoken_of.size(), 15u);
  for (const auto& metric : spoken_of)
    EXPECT_TRUE(served(scrape, metric)) << metric;
}

TEST(dashboards_test, ask_what_prometheus_understands) {
  if (!installed("promtool"))
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  std::string rules = "groups: [{name: dashboard, rules: [\n";
  for (const auto& file : {dashboard_file, mesh_dashboard_file})
    for (const auto& query : queries_of_the_dashboard("1m", file))
      rules += fmt::format("{{record: a, expr: '{}'}},\n", query.expression);
  const scratch files;

  const auto check = run("promtool check rules --lint=none " +
                         files.write("rules.yml", rules + "]}]\n"));

  EXPECT_EQ(check.status, 0) << check.output;
}

TEST(dashboards_test, hold_alerts_that_prometheus_takes) {
  if (!installed("promtool"))
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";

  const auto check = run("promtool check rules " + alerts_file);

  EXPECT_EQ(check.status, 0) << check.output;
}

TEST(dashboards_test, alert_when_something_is_wrong_and_only_then) {
  if (!installed("promtool"))
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  const scratch files;
  const auto cases = replaced(read(TROUPE_MONITORING_TESTS "/alerts_test.yml"),
      "TROUPE_ALERTS", alerts_file);

  const auto check =
      run("promtool test rules " + files.write("cases.yml", cases));

  EXPECT_EQ(check.status, 0) << check.output;
}

} // namespace

} // namespace troupe::monitoring
