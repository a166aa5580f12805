// The files that people load into their own Prometheus and Grafana.

#include <cctype>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/monitoring/http_get.hpp"
#include "tests/monitoring/running_process.hpp"
#include "tests/monitoring/subprocess.hpp"

namespace troupe::monitoring {

namespace {

std::string read(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string replaced(
    std::string text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

const std::string alerts = TROUPE_MONITORING_DIR "/alerts.yml";
const std::string dashboard = TROUPE_MONITORING_DIR "/dashboards/troupe.json";

/// The metrics that a text speaks of.
std::set<std::string> metrics_in(const std::string& text) {
  std::set<std::string> result;
  std::string word;
  for (char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      word += c;
      continue;
    }
    for (const auto* prefix : {"troupe_", "process_", "caf_"})
      if (word.starts_with(prefix))
        result.insert(word);
    word.clear();
  }
  return result;
}

std::vector<std::string> queries_of_the_dashboard() {
  std::vector<std::string> result;
  const auto document = nlohmann::json::parse(read(dashboard));
  for (const auto& panel : document.at("panels"))
    for (const auto& target : panel.at("targets"))
      result.push_back(target.at("expr"));
  return result;
}

bool served(const std::string& scrape, const std::string& metric) {
  return scrape.find("\n" + metric + " ") != std::string::npos ||
         scrape.find("\n" + metric + "{") != std::string::npos;
}

TEST(dashboards_test, speak_of_metrics_that_are_served) {
  const running_process process;
  const auto scrape = http_get(process.where().port, "/metrics");

  const auto spoken_of = metrics_in(read(alerts) + read(dashboard));

  EXPECT_GT(spoken_of.size(), 15u);
  for (const auto& metric : spoken_of)
    EXPECT_TRUE(served(scrape, metric)) << metric;
}

TEST(dashboards_test, ask_what_prometheus_understands) {
  if (!installed("promtool"))
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  std::string rules = "groups: [{name: dashboard, rules: [\n";
  for (const auto& query : queries_of_the_dashboard())
    rules += fmt::format("{{record: a, expr: '{}'}},\n",
        replaced(query, "$__rate_interval", "1m"));
  const scratch files;

  const auto check = run("promtool check rules --lint=none " +
                         files.write("rules.yml", rules + "]}]\n"));

  EXPECT_EQ(check.status, 0) << check.output;
}

TEST(dashboards_test, hold_alerts_that_prometheus_takes) {
  if (!installed("promtool"))
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";

  const auto check = run("promtool check rules " + alerts);

  EXPECT_EQ(check.status, 0) << check.output;
}

TEST(dashboards_test, alert_when_something_is_wrong_and_only_then) {
  if (!installed("promtool"))
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  const scratch files;
  const auto cases = replaced(read(TROUPE_MONITORING_TESTS "/alerts_test.yml"),
      "TROUPE_ALERTS", alerts);

  const auto check =
      run("promtool test rules " + files.write("cases.yml", cases));

  EXPECT_EQ(check.status, 0) << check.output;
}

} // namespace

} // namespace troupe::monitoring
