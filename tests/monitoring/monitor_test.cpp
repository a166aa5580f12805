#include "monitoring/monitor.hpp"

#include <string>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include "tests/monitoring/exposition.hpp"
#include "tests/monitoring/story.hpp"

namespace troupe::monitoring {

namespace {

TEST(monitor_test, feeds_the_metrics_in_order) {
  metrics figures;
  const auto source = figures.collectable();
  {
    caf::actor_system_config config;
    caf::actor_system system{config};
    auto monitor = system.spawn<monitor_impl>(std::move(figures));
    story told;
    for (std::uint64_t version = 1; version <= 100; ++version)
      caf::anon_send(
          monitor, told.then(facts::published{.version = version}).batch());
    caf::anon_send(monitor, fact_batch{});
  }

  const auto text = exposition(*source);

  EXPECT_EQ(sample(text, "troupe_model_version"), "100");
  EXPECT_EQ(sample(text, "troupe_facts_total"), "100");
}

} // namespace

} // namespace troupe::monitoring
