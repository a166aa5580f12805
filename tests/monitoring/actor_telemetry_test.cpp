#include "monitoring/actor_telemetry.hpp"

#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/telemetry/metric_registry.hpp>
#include <gtest/gtest.h>

#include "monitoring/metrics.hpp"
#include "monitoring/monitor.hpp"
#include "tests/monitoring/exposition.hpp"
#include "tests/monitoring/story.hpp"

namespace troupe::monitoring {

namespace {

/// Runs a monitor until it has worked off one batch.
std::string scrape_of_a_system_with_a_monitor(
    caf::actor_system_config& config) {
  caf::actor_system system{config};
  auto monitor = system.spawn<monitor_impl>(metrics{});
  caf::scoped_actor self{system};
  self->request(monitor, caf::infinite, story{}.then(fashion_start()).batch())
      .receive([] {}, [](const caf::error& e) { FAIL() << to_string(e); });
  return exposition(*actor_telemetry(system));
}

TEST(actor_telemetry_test, shows_mailboxes_by_kind_of_actor) {
  caf::actor_system_config config;
  measure_mailboxes(config);

  auto text = scrape_of_a_system_with_a_monitor(config);

  EXPECT_EQ(
      sample(text, "caf_actor_mailbox_size{name=\"troupe.monitor\"}"), "0")
      << text;
  EXPECT_EQ(
      sample(text, "caf_actor_processing_time_seconds_count{name=\"troupe."
                   "monitor\"}"),
      "1");
}

TEST(actor_telemetry_test, shows_no_mailboxes_that_were_not_asked_for) {
  caf::actor_system_config config;

  auto text = scrape_of_a_system_with_a_monitor(config);

  EXPECT_EQ(sample(text, "caf_actor_mailbox_size{name=\"troupe.monitor\"}"),
      "absent");
  EXPECT_NE(sample(text, "caf_system_running_actors"), "absent");
}

TEST(actor_telemetry_test, leaves_the_many_workers_out) {
  caf::actor_system_config config;

  measure_mailboxes(config);

  using names = std::vector<std::string>;
  EXPECT_EQ(caf::get_as<names>(config, "caf.metrics-filters.actors.excludes"),
      names{"troupe.worker"});
}

TEST(actor_telemetry_test, spells_names_as_prometheus_does) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  auto& registry = system.metrics();
  registry
      .counter_family(
          "my-app", "bytes.sent", {"peer-name"}, "Sent.", "bytes", true)
      ->get_or_add({{"peer-name", "a-b"}})
      ->inc(7);

  auto text = exposition(*actor_telemetry(system));

  EXPECT_EQ(
      sample(text, "my_app_bytes_sent_bytes_total{peer_name=\"a-b\"}"), "7")
      << text;
}

TEST(actor_telemetry_test, adds_up_a_histograms_buckets) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  const double bounds[] = {1.0, 2.0};
  auto* histogram = system.metrics()
                        .histogram_family<double>("app", "wait", {"kind"},
                            bounds, "Waits.", "seconds")
                        ->get_or_add({{"kind", "x"}});
  for (double value : {0.5, 1.5, 1.5, 9.0})
    histogram->observe(value);

  auto text = exposition(*actor_telemetry(system));

  auto series = [&](const std::string& le) {
    return sample(
        text, "app_wait_seconds_bucket{kind=\"x\",le=\"" + le + "\"}");
  };
  EXPECT_EQ(series("1"), "1") << text;
  EXPECT_EQ(series("2"), "3");
  EXPECT_EQ(series("+Inf"), "4");
  EXPECT_EQ(sample(text, "app_wait_seconds_sum{kind=\"x\"}"), "12.5");
  EXPECT_EQ(sample(text, "app_wait_seconds_count{kind=\"x\"}"), "4");
}

} // namespace

} // namespace troupe::monitoring
