#include "monitoring/progress.hpp"

#include <sstream>
#include <string>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include "tests/monitoring/story.hpp"

namespace troupe::monitoring {

namespace {

TEST(progress_test, shows_what_it_hears) {
  std::ostringstream out;
  {
    caf::actor_system_config config;
    caf::actor_system system{config};
    auto progress = system.spawn<progress_impl>(&out, progress_options{});
    story told;
    caf::anon_send(progress, told.then(fashion_start()).batch());
    caf::anon_send(progress, fact_batch{});
    caf::anon_send(progress, told.then(failed(1, 17)).batch());
  }

  EXPECT_EQ(out.str(),
      "fashion: fedavg, 100 clients, 50 rounds, 199,210 parameters, 2 slots, "
      "seed 7\n"
      "client 17 failed: loss is nan\n");
}

} // namespace

} // namespace troupe::monitoring
