// The exposition as Prometheus itself sees it.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "tests/monitoring/for_people.hpp"
#include "tests/monitoring/http_get.hpp"
#include "tests/monitoring/prometheus_server.hpp"
#include "tests/monitoring/running_process.hpp"
#include "tests/monitoring/subprocess.hpp"

namespace troupe::monitoring {

namespace {

/// Has no metrics; knows when it is asked for them.
class scrape_bell : public prometheus::Collectable {
public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    std::lock_guard guard{mutex_};
    ++scrapes_;
    rung_.notify_all();
    return {};
  }

  bool wait_for(int scrapes, std::chrono::seconds patience) const {
    std::unique_lock guard{mutex_};
    return rung_.wait_for(guard, patience, [&] { return scrapes_ >= scrapes; });
  }

private:
  mutable std::mutex mutex_;
  mutable std::condition_variable rung_;
  mutable int scrapes_ = 0;
};

class scrape_test : public testing::TestWithParam<const char*> {
protected:
  void SetUp() override {
    try {
      process_.emplace(bell_, endpoint{GetParam(), 0});
    } catch (const std::runtime_error& failure) {
      GTEST_SKIP() << failure.what();
    }
  }

  const endpoint& where() const { return process_->where(); }

  std::shared_ptr<scrape_bell> bell_ = std::make_shared<scrape_bell>();
  std::optional<running_process> process_;
};

INSTANTIATE_TEST_SUITE_P(at, scrape_test, testing::Values("127.0.0.1", "::1"),
    [](const auto& of) { return of.param[0] == ':' ? "ipv6" : "ipv4"; });

TEST_P(scrape_test, passes_promtool_check_metrics) {
  if (!installed("promtool"))
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  const scratch files;
  const auto text = http_get(where(), "/metrics");
  const auto scraped = files.write("metrics.txt", text);

  const auto check = run("promtool check metrics < " + scraped);

  EXPECT_EQ(check.status, 0) << check.output << text;
  EXPECT_EQ(check.output, "");
}

TEST_P(scrape_test, answers_a_query_through_a_real_prometheus) {
  if (!installed("prometheus"))
    GTEST_SKIP() << "prometheus (Debian package) is not installed";
  const prometheus_server server{
      fmt::format("global: {{scrape_interval: 200ms}}\n"
                  "scrape_configs:\n"
                  "- job_name: troupe\n"
                  "  static_configs: [{{targets: ['{}']}}]\n",
          where().text())};
  // Prometheus has stored a scrape when the one after it begins.
  ASSERT_TRUE(bell_->wait_for(3, std::chrono::seconds{60})) << server.said();

  EXPECT_EQ(server.value("troupe_accuracy"), 0.8);
  EXPECT_EQ(server.value("sum(troupe_updates_total)"), 2.0);
  EXPECT_TRUE(server.has("caf_actor_mailbox_size{name='troupe.monitor'}"));
  for (const auto& query : queries_of_the_dashboard("5s", mesh_dashboard_file))
    if (query.panel == "From a loss to the next step") {
      EXPECT_TRUE(server.has(query.expression)) << query.expression;
    }
}

} // namespace

} // namespace troupe::monitoring
