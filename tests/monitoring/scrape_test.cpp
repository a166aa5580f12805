// The exposition as Prometheus itself sees it.

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitoring/actor_telemetry.hpp"
#include "monitoring/exposer.hpp"
#include "monitoring/metrics.hpp"
#include "monitoring/monitor.hpp"
#include "monitoring/process_figures.hpp"
#include "tests/monitoring/exposition.hpp"
#include "tests/monitoring/http_get.hpp"
#include "tests/monitoring/story.hpp"
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

std::uint16_t free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  bind(probe, reinterpret_cast<sockaddr*>(&at), size);
  getsockname(probe, reinterpret_cast<sockaddr*>(&at), &size);
  close(probe);
  return ntohs(at.sin_port);
}

std::vector<fact> every_kind_of_fact() {
  story told;
  told.then(fashion_start())
      .then(facts::round_started{.round = 1, .cohort = 10})
      .then(facts::leased{.lease = 1, .client = 1})
      .then(facts::leased{.lease = 2, .client = 2})
      .then(accepted(1, 1, 3))
      .then(failed(2, 2))
      .then(facts::published{.version = 1, .seconds = 0.2})
      .then(facts::evaluated{.version = 1, .loss = 0.5, .accuracy = 0.8})
      .then(stored(1));
  return told.told();
}

class scrape_test : public testing::Test {
protected:
  scrape_test() {
    config_.set("caf.metrics-filters.actors.includes",
        std::vector<std::string>{"troupe.*"});
    system_ = std::make_unique<caf::actor_system>(config_);
    monitor_ = system_->spawn<monitor_impl>(metrics{});
    figures_.add(every_kind_of_fact());
    exposer_ = std::make_unique<exposer>(endpoint{"127.0.0.1", 0},
        exposer::collectables{figures_.collectable(), process_figures(),
            actor_telemetry(*system_), bell_});
  }

  ~scrape_test() override {
    exposer_.reset();
    monitor_ = nullptr;
  }

  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  observer monitor_;
  metrics figures_;
  std::shared_ptr<scrape_bell> bell_ = std::make_shared<scrape_bell>();
  std::unique_ptr<exposer> exposer_;
};

TEST_F(scrape_test, passes_promtool_check_metrics) {
  if (!installed("promtool"))
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  const scratch files;
  const auto text = http_get(exposer_->where().port, "/metrics");
  const auto scraped = files.write("metrics.txt", text);

  const auto check = run("promtool check metrics < " + scraped);

  EXPECT_EQ(check.status, 0) << check.output << text;
  EXPECT_EQ(check.output, "");
}

TEST_F(scrape_test, answers_a_query_through_a_real_prometheus) {
  if (!installed("prometheus"))
    GTEST_SKIP() << "prometheus (Debian package) is not installed";
  const scratch files;
  const auto port = free_port();
  const auto configuration = files.write("prometheus.yml",
      fmt::format("global: {{scrape_interval: 200ms}}\n"
                  "scrape_configs:\n"
                  "- job_name: troupe\n"
                  "  static_configs: [{{targets: ['127.0.0.1:{}']}}]\n",
          exposer_->where().port));

  background server{{"prometheus", "--config.file=" + configuration,
      "--storage.tsdb.path=" + files.path("tsdb"),
      fmt::format("--web.listen-address=127.0.0.1:{}", port)}};
  ASSERT_TRUE(server.says("Server is ready", std::chrono::seconds{60}))
      << server.said();
  // Prometheus has stored a scrape when the one after it begins.
  ASSERT_TRUE(bell_->wait_for(3, std::chrono::seconds{60})) << server.said();

  auto query = [&](const std::string& series) {
    return http_get(port, "/api/v1/query?query=" + series);
  };
  EXPECT_NE(query("troupe_accuracy").find(",\"0.8\"]"), std::string::npos)
      << query("troupe_accuracy");
  EXPECT_NE(
      query("sum(troupe_updates_total)").find(",\"2\"]"), std::string::npos);
  EXPECT_NE(query("caf_actor_mailbox_size").find("troupe.monitor"),
      std::string::npos);
}

} // namespace

} // namespace troupe::monitoring
