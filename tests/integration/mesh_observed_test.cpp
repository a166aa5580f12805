// A mesh as a real Prometheus sees it: every panel of its dashboard has data.
#include <csignal>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/mesh_study.hpp"
#include "tests/integration/study.hpp"
#include "tests/monitoring/for_people.hpp"
#include "tests/monitoring/prometheus_server.hpp"

namespace troupe::tests {

namespace {

using namespace std::chrono_literals;
using monitoring::panel_query;
using monitoring::prometheus_server;

/// Those that have no data yet stay in the list.
bool have_data(
    const prometheus_server& there, std::vector<panel_query>& missing) {
  const auto end = std::chrono::steady_clock::now() + enough;
  while (!missing.empty() && std::chrono::steady_clock::now() < end) {
    std::erase_if(missing,
        [&](const auto& query) { return there.has(query.expression); });
    std::this_thread::sleep_for(100ms);
  }
  return missing.empty();
}

TEST(mesh_observed_test, is_shown_whole_by_a_real_prometheus) {
  if (!installed("prometheus"))
    GTEST_SKIP() << "prometheus (Debian package) is not installed";
  const auto at = fmt::format("127.0.0.1:{}", monitoring::free_port());
  const scratch_directory place;
  draw_mesh_samples(place / "samples");
  const study some{quick_mesh(place / "samples", 1'000'000)};
  process mesh{some.start("a", {"--metrics", at})};
  ASSERT_TRUE(mesh.says("accuracy ")) << mesh.err();
  const prometheus_server there{
      fmt::format("global: {{scrape_interval: 500ms,"
                  " evaluation_interval: 500ms}}\n"
                  "rule_files: ['{}']\n"
                  "scrape_configs:\n"
                  "- job_name: troupe\n"
                  "  static_configs: [{{targets: ['{}']}}]\n",
          monitoring::alerts_file, at)};

  // In one process no rank is lost; of a process that lost one, scrape_test
  // asks.
  auto missing = monitoring::queries_of_the_dashboard(
      "20s", monitoring::mesh_dashboard_file);
  ASSERT_GT(missing.size(), 20u);
  std::erase_if(missing, [](const auto& query) {
    return query.panel == "From a loss to the next step";
  });
  EXPECT_TRUE(have_data(there, missing));
  for (const auto& each : missing)
    ADD_FAILURE() << each.panel << " has no data: " << each.expression;

  EXPECT_EQ(there.value("troupe_mesh_ranks"), 2.0);
  EXPECT_EQ(there.value("troupe_compute_slots{state='idle'}"), 0.0);
  const auto part = there.value("rate(troupe_mesh_computing_seconds_total[20s])"
                                " / rate(troupe_mesh_step_seconds_total[20s])");
  EXPECT_GT(part, 0.0);
  EXPECT_LE(part, 1.0);
  const auto rules = there.rules();
  for (const auto& group : rules.at("groups"))
    for (const auto& rule : group.at("rules")) {
      EXPECT_EQ(rule.at("health"), "ok") << rule;
      EXPECT_NE(rule.at("state"), "firing") << rule;
    }
  mesh.signal(SIGINT);
  EXPECT_EQ(mesh.wait().code, 130) << mesh.err();
}

} // namespace

} // namespace troupe::tests
