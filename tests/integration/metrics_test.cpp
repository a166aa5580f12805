// --metrics: what Prometheus sees while a run is under way.
#include <csignal>
#include <exception>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/study.hpp"
#include "tests/monitoring/http_get.hpp"
#include "tests/monitoring/prometheus_server.hpp"

namespace troupe::tests {

namespace {

class metrics_test : public testing::Test {
protected:
  // What it shows now; nothing while it is not up.
  std::string scrape() {
    try {
      return monitoring::http_get({host_, port_}, "/metrics");
    } catch (const std::exception&) {
      return {};
    }
  }

  // The value of the first series that begins with `name`; -1: there is none.
  static double value(const std::string& scraped, const std::string& name) {
    std::istringstream lines{scraped};
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(name))
        return std::stod(line.substr(line.rfind(' ')));
    return -1.0;
  }

  // Takes the port that a run says; throws away what it said.
  void find(process& run, const std::string& host) {
    host_ = host;
    const auto said = "metrics at http://" + host + ":";
    ASSERT_TRUE(run.says(said)) << run.err();
    ASSERT_TRUE(run.says("/metrics\n"));
    port_ = static_cast<std::uint16_t>(
        std::stoi(run.out().substr(run.out().find(said) + said.size())));
  }

  std::string host_ = "127.0.0.1";
  std::uint16_t port_ = monitoring::free_port();
  study study_{quick_fedavg(1'000'000)};
  process it_{
      study_.start("a", {"--metrics", fmt::format("127.0.0.1:{}", port_)})};
};

TEST_F(metrics_test, shows_a_run_while_it_is_under_way) {
  std::string seen;

  ASSERT_TRUE(it_.until([&] {
    seen = scrape();
    return value(seen, "troupe_model_version") >= 3;
  })) << it_.err()
      << seen;

  EXPECT_GT(value(seen, "troupe_accuracy"), 0.0) << seen;
  EXPECT_GT(value(seen, "troupe_loss"), 0.0);
  EXPECT_GE(value(seen, "troupe_updates_total{outcome=\"accepted\"}"), 15.0)
      << seen;
  for (auto name : {"troupe_clients{", "troupe_training_seconds_bucket{",
           "troupe_round_seconds_bucket{", "troupe_staleness",
           "troupe_compute_slots", "caf_actor_mailbox_size{",
           "process_cpu_seconds_total", "process_resident_memory_bytes"})
    EXPECT_TRUE(holds(seen, std::string{"\n"} + name)) << name << " in\n"
                                                       << seen;
}

TEST_F(metrics_test, passes_promtool) {
  if (!installed("promtool"))
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  std::string seen;
  ASSERT_TRUE(it_.until([&] {
    seen = scrape();
    return value(seen, "troupe_model_version") >= 2;
  })) << it_.err();
  write(study_ / "scraped", seen);

  auto said = run({{"sh", "-c",
      "promtool check metrics < " + (study_ / "scraped").string()}});

  expect_code(said, 0);
  EXPECT_EQ(said.text(), "") << seen;
}

TEST_F(metrics_test, is_said_where) {
  EXPECT_TRUE(
      it_.says(fmt::format("metrics at http://127.0.0.1:{}/metrics\n", port_)));
  process other{study_.start("b", {"--metrics", "127.0.0.1:0"})};

  find(other, "127.0.0.1");

  EXPECT_TRUE(other.until([&] {
    return value(scrape(), "troupe_model_version") >= 1;
  })) << other.out();
}

TEST_F(metrics_test, is_served_over_ipv6) {
  process other{study_.start("b", {"--metrics", "[::1]:0"})};
  if (!other.says("metrics at http://[::1]:") &&
      holds(other.err(), "cannot serve metrics at [::1]:0: ") &&
      (holds(other.err(), "not this machine") ||
          holds(other.err(), "no such addresses")))
    GTEST_SKIP() << other.err();

  find(other, "[::1]");

  host_ = "::1";
  EXPECT_TRUE(other.until([&] {
    return value(scrape(), "troupe_model_version") >= 1;
  })) << other.out()
      << other.err();
}

TEST_F(metrics_test, shows_no_accuracy_that_nobody_measured) {
  process other{study_.start(
      "b", {"--metrics", "127.0.0.1:0", "--set", "run.evaluate_every=0"})};
  find(other, "127.0.0.1");
  std::string seen;

  ASSERT_TRUE(other.until([&] {
    seen = scrape();
    return value(seen, "troupe_model_version") >= 3;
  })) << other.err();

  for (auto name : {"troupe_accuracy ", "troupe_best_accuracy ", "troupe_loss ",
           "troupe_evaluated_version "})
    EXPECT_FALSE(holds(seen, std::string{"\n"} + name)) << seen;
}

TEST_F(metrics_test, shows_what_was_measured_before_a_resumption) {
  expect_code(run(study_.start("b", {"--set", "run.rounds=8"})), 0);
  auto rows = study_.of("b").history();
  ASSERT_FALSE(rows.empty());

  process other{study_.resume(
      "b", {"--metrics", "127.0.0.1:0", "--set", "run.rounds=1000000"})};
  find(other, "127.0.0.1");
  std::string seen;
  ASSERT_TRUE(other.until([&] {
    seen = scrape();
    return value(seen, "troupe_run_active") == 1;
  })) << other.err();

  EXPECT_GE(value(seen, "troupe_evaluated_version"), 8.0) << seen;
  EXPECT_GE(value(seen, "troupe_model_updates"), 40.0);
  EXPECT_GE(value(seen, "troupe_best_accuracy"), best_of(rows)->accuracy);
}

TEST_F(metrics_test, gives_its_port_back) {
  ASSERT_TRUE(it_.until([&] {
    return value(scrape(), "troupe_model_version") >= 1;
  })) << it_.err();
  it_.signal(SIGINT);
  EXPECT_EQ(it_.wait().code, 130) << it_.err();

  EXPECT_EQ(scrape(), "");
}

} // namespace

} // namespace troupe::tests
