// A cluster as a real Prometheus sees it: it finds the nodes by itself, and
// every panel and alert has something to go by.
#include <cmath>
#include <csignal>
#include <exception>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/coordination.hpp"
#include "tests/monitoring/for_people.hpp"
#include "tests/monitoring/http_get.hpp"
#include "tests/monitoring/prometheus_server.hpp"

namespace troupe::tests {

namespace {

using namespace std::chrono_literals;
using monitoring::prometheus_server;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Long enough for a few scrapes of a slow machine.
constexpr const char* rate_interval = "20s";

/// Whether it comes true while there is patience.
template <class Condition>
bool eventually(Condition holds) {
  const auto end = std::chrono::steady_clock::now() + enough;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(100ms);
  }
  return true;
}

/// HOST:PORT where a process serves, as it says.
std::string serves_at(process& what) {
  const std::string said = "metrics at http://";
  EXPECT_TRUE(what.says(said)) << what.err();
  EXPECT_TRUE(what.says("/metrics\n"));
  const auto from = what.out().find(said) + said.size();
  return what.out().substr(from, what.out().find("/metrics", from) - from);
}

std::string scraped(const std::string& at) {
  return monitoring::http_get(monitoring::endpoint::parse(at), "/metrics");
}

/// The value of the first series that begins with `name`; NaN: there is none.
double value_in(const std::string& page, const std::string& name) {
  std::istringstream lines{page};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name))
      return std::stod(line.substr(line.rfind(' ')));
  return std::nan("");
}

double value(const std::string& at, const std::string& name) {
  return value_in(scraped(at), name);
}

/// Its tensors are too large to go along with messages.
std::string run_with_transfers() {
  return monitoring::replaced(quick_fedavg(1'000'000), "kind = \"softmax\"",
      "kind = \"mlp\"\nlayers = [60, 100, 10]");
}

class observed_test : public testing::Test {
protected:
  std::unique_ptr<process> joins(coordination& all, const std::string& name) {
    return all.join(name, {"--metrics", "127.0.0.1:0"});
  }

  std::string configuration() const {
    return fmt::format("global: {{scrape_interval: 500ms,"
                       " evaluation_interval: 500ms}}\n"
                       "rule_files: ['{}']\n"
                       "scrape_configs:\n"
                       "- job_name: troupe\n"
                       "  http_sd_configs:\n"
                       "  - url: http://{}/sd\n"
                       "    refresh_interval: 500ms\n",
        monitoring::alerts_file, at_);
  }

  /// Those that have no data yet leave the list.
  static bool all_have_data(const prometheus_server& there,
      std::vector<monitoring::panel_query>& missing) {
    std::erase_if(missing,
        [&](const auto& query) { return there.has(query.expression); });
    return missing.empty();
  }

  study study_{run_with_transfers()};
  std::string at_ = fmt::format("127.0.0.1:{}", monitoring::free_port());
  words coordinating_{"--min-nodes", "2", "--metrics", at_};
};

TEST_F(observed_test, is_found_and_shown_whole_by_a_real_prometheus) {
  if (!installed("prometheus"))
    GTEST_SKIP() << "prometheus (Debian package) is not installed";
  coordination all{study_, "observed", coordinating_};
  const prometheus_server there{configuration()};
  auto alpha = joins(all, "alpha");
  auto beta = joins(all, "beta");
  ASSERT_TRUE(all.coordinator().says("version ")) << all.coordinator().err();

  // Every node is found, each by its name, and each is scraped at a time of its
  // own.
  const auto comes_to = [&](const char* what, double wanted) {
    return eventually([&] { return there.value(what) == wanted; });
  };
  ASSERT_TRUE(comes_to("count(up{role='node'} == 1)", 2.0)) << there.targets();
  EXPECT_TRUE(comes_to("up{role='coordinator'}", 1.0)) << there.targets();
  EXPECT_TRUE(comes_to("up{node='alpha'}", 1.0));
  EXPECT_TRUE(comes_to("troupe_nodes{state='member'}", 2.0));
  EXPECT_TRUE(comes_to("count(troupe_node_info)", 2.0));

  // What is measured of losses needs some.
  all.coordinator().signal(SIGKILL);
  all.coordinator().wait();
  all.restart({"--min-nodes", "1", "--metrics", at_});
  for (const auto* name : {"alpha", "beta"})
    ASSERT_TRUE(all.coordinator().says(fmt::format("node {} has joined", name)))
        << all.coordinator().out();
  ASSERT_TRUE(all.coordinator().says("version ")) << all.coordinator().err();
  alpha->signal(SIGSTOP); // it has a lease by the time that it is lost
  ASSERT_TRUE(all.coordinator().says("node alpha is lost"));
  EXPECT_ANY_THROW(scraped(all.at())) << "it speaks no HTTP";

  auto missing = monitoring::queries_of_the_dashboard(rate_interval);
  ASSERT_GT(missing.size(), 40u);
  EXPECT_TRUE(eventually([&] { return all_have_data(there, missing); }));
  for (const auto& each : missing)
    ADD_FAILURE() << each.panel << " has no data: " << each.expression;

  // Who is gone is no target any more.
  EXPECT_TRUE(eventually([&] {
    return there.targets().at("activeTargets").size() == 2u;
  })) << there.targets();
  EXPECT_EQ(there.value("troupe_nodes{state='lost'}"), 1.0);
  EXPECT_GE(there.value("troupe_detection_seconds_count"), 1.0);
  EXPECT_GE(
      there.value("sum(troupe_connections_refused_total{reason='preamble'})"),
      1.0);

  // Those of a mesh have data where there is one: mesh_observed_test.
  std::set<std::string> silent;
  for (const auto& metric :
      monitoring::metrics_in(monitoring::read(monitoring::alerts_file)))
    if (!metric.starts_with("troupe_mesh_") && !there.has(metric))
      silent.insert(metric);
  EXPECT_TRUE(silent.empty()) << testing::PrintToString(silent);
}

TEST_F(observed_test, has_alerts_that_a_real_prometheus_evaluates) {
  if (!installed("prometheus"))
    GTEST_SKIP() << "prometheus (Debian package) is not installed";
  coordination all{study_, "alerted", coordinating_};
  const prometheus_server there{configuration()};
  auto alpha = joins(all, "alpha");
  auto beta = joins(all, "beta");
  ASSERT_TRUE(all.coordinator().says("version ")) << all.coordinator().err();
  ASSERT_TRUE(eventually([&] {
    return there.value("sum(troupe_nodes_gone_total{how='lost'})") == 0.0;
  }));

  alpha->signal(SIGKILL);
  ASSERT_TRUE(all.coordinator().says("node alpha is lost"));

  const auto firing = [&] {
    std::set<std::string> result;
    const auto rules = there.rules();
    for (const auto& group : rules.at("groups"))
      for (const auto& rule : group.at("rules"))
        if (rule.at("state") != "inactive")
          result.insert(rule.at("name"));
    return result;
  };
  EXPECT_TRUE(eventually([&] {
    const auto names = firing();
    return names.contains("TroupeNodesLost") &&
           names.contains("TroupeNodesMissing");
  })) << testing::PrintToString(firing());
  const auto rules = there.rules();
  for (const auto& group : rules.at("groups"))
    for (const auto& rule : group.at("rules")) {
      EXPECT_EQ(rule.at("health"), "ok") << rule;
      EXPECT_EQ(rule.value("lastError", ""), "") << rule;
    }
}

TEST_F(observed_test, tells_where_each_node_serves) {
  coordination all{study_, "asked", coordinating_};
  auto alpha = joins(all, "alpha");
  auto beta = all.join("beta");
  ASSERT_TRUE(all.coordinator().says("version ")) << all.coordinator().err();
  const auto at = serves_at(*alpha);

  const auto found = nlohmann::json::parse(
      monitoring::http_get(monitoring::endpoint::parse(at_), "/sd"));
  ASSERT_EQ(found.size(), 2u) << found;
  EXPECT_EQ(found[0].at("targets")[0], at_);
  EXPECT_EQ(found[0].at("labels").at("role"), "coordinator");
  EXPECT_EQ(found[1].at("targets")[0], at);
  EXPECT_EQ(found[1].at("labels").at("node"), "alpha");

  const auto said = nlohmann::json::parse(all.ask("status", {"--json"}).out);
  for (const auto& node : said.at("nodes"))
    EXPECT_EQ(node.at("metrics"), node.at("name") == "alpha" ? at : "");
  EXPECT_THAT(all.ask("status").out, HasSubstr(at));
  EXPECT_THAT(all.ask("status").out, HasSubstr("METRICS"));
}

TEST_F(observed_test, has_nodes_that_serve_what_they_do) {
  coordination all{study_, "served", coordinating_};
  auto alpha = joins(all, "alpha");
  auto beta = joins(all, "beta");
  const auto at = serves_at(*alpha);
  ASSERT_TRUE(all.coordinator().says("version ")) << all.coordinator().err();

  ASSERT_TRUE(eventually([&] {
    return value(at, "troupe_node_updates_total{outcome=\"trained\"}") >= 5.0;
  })) << scraped(at);

  EXPECT_EQ(value(at, "troupe_node_link{state=\"serving\"}"), 1.0);
  EXPECT_TRUE(eventually([&] { // two gauges, set one after the other
    const auto page = scraped(at);
    return value_in(page, "troupe_node_slots{state=\"busy\"}") +
               value_in(page, "troupe_node_slots{state=\"idle\"}") ==
           1.0;
  }));
  EXPECT_GT(value(at, "troupe_node_samples_total"), 0.0);
  EXPECT_GT(value(at, "process_resident_memory_bytes"), 0.0);
  EXPECT_THAT(scraped(at), HasSubstr("name=\"alpha\""));
  EXPECT_LT(value(at, "troupe_silence_seconds{peer=\"coordinator\"}"), 60.0);
  for (const auto* each : {"in\",wire=\"memory\"", "out\",wire=\"memory\"",
           "in\",wire=\"tcp\"", "out\",wire=\"tcp\""}) {
    EXPECT_GT(value(at, fmt::format(
                            "troupe_wire_bytes_total{{direction=\"{}}}", each)),
        0.0)
        << each;
  }
  EXPECT_EQ(
      value(at, "troupe_wire_bytes_total{direction=\"in\",wire=\"tls\"}"), 0.0);

  all.coordinator().signal(SIGKILL);
  all.coordinator().wait();
  ASSERT_TRUE(alpha->says("dialling again"));
  EXPECT_EQ(value(at, "troupe_node_link{state=\"serving\"}"), 0.0);
  EXPECT_EQ(value(at, "troupe_node_link{state=\"dialling\"}"), 1.0);
  EXPECT_EQ(value(at, "troupe_node_slots{state=\"idle\"}"), 1.0);
  EXPECT_EQ(value(at, "troupe_node_sessions_total{how=\"lost\"}"), 1.0);
  EXPECT_TRUE(std::isnan(value(at, "troupe_silence_seconds{")));
}

TEST_F(observed_test, counts_what_goes_over_tls) {
  const std::string certs = study_ / "certs";
  expect_code(run(troupe({"certs", "init", certs})), 0);
  expect_code(run(troupe({"certs", "issue", certs, "alpha"})), 0);
  coordination all{
      study_, "tls", {"--min-nodes", "1", "--metrics", at_, "--tls", certs}};
  auto stranger = all.join("beta");
  ASSERT_TRUE(stranger->says("waiting for "));
  auto alpha = all.join("alpha", {"--tls", certs, "--metrics", "127.0.0.1:0"});
  ASSERT_TRUE(all.coordinator().says("version ")) << all.coordinator().err();

  const auto node = serves_at(*alpha);
  for (const auto& at : {at_, node})
    for (const auto* direction : {"in", "out"})
      EXPECT_TRUE(eventually([&] {
        return value(at, fmt::format("troupe_wire_bytes_total{{direction=\"{}"
                                     "\",wire=\"tls\"}}",
                             direction)) > 0.0;
      })) << at;
  EXPECT_EQ(
      value(at_, "troupe_wire_bytes_total{direction=\"in\",wire=\"tcp\"}"),
      0.0);
  EXPECT_GE(
      value(at_, "troupe_connections_refused_total{reason=\"handshake\"}"),
      1.0);
}

TEST_F(observed_test, refuses_a_port_that_is_taken_by_name) {
  coordination all{study_, "taken", coordinating_};

  auto alpha = all.join("alpha", {"--metrics", at_});

  EXPECT_EQ(alpha->wait().code, 1);
  EXPECT_THAT(alpha->err(), HasSubstr("cannot serve metrics at " + at_));
}

} // namespace

} // namespace troupe::tests
