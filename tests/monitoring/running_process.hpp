#pragma once

#include "monitoring/actor_telemetry.hpp"
#include "monitoring/exposer.hpp"
#include "monitoring/metrics.hpp"
#include "monitoring/monitor.hpp"
#include "monitoring/node_figures.hpp"
#include "monitoring/process_figures.hpp"
#include "monitoring/wire_figures.hpp"
#include "tests/monitoring/story.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace troupe::monitoring {

inline std::vector<fact> every_kind_of_figure() {
  story told;
  auto resumed = fashion_start();
  resumed.incarnation = 1;
  told.then(resumed)
      .then(facts::round_started{.round = 1, .cohort = 10})
      .then(facts::node_changed{.name = "alpha", .state = "member", .epoch = 2})
      .then(facts::node_joined{.name = "alpha", .epoch = 2, .slots = 2})
      .then(facts::node_left{.name = "alpha", .epoch = 3, .lost = true})
      .then(facts::leased{.lease = 1, .client = 1})
      .then(facts::leased{.lease = 2, .client = 2})
      .then(accepted(1, 1, 3))
      .then(failed(2, 2))
      .then(facts::published{.version = 1, .seconds = 0.2})
      .then(facts::evaluated{.version = 1, .loss = 0.5, .accuracy = 0.8})
      .then(stored(1))
      .then(facts::mesh_formed{.epoch = 1, .ranks = 2})
      .then(facts::rank_lost{.epoch = 1, .rank = 1})
      .then(facts::stepped{.last = 8, .ranks = 2, .samples = 512});
  return told.told();
}

/// Serves all that processes of Troupe serve: metrics with some facts in them,
/// CAF's telemetry with an actor in it, the process's figures, those of a node
/// and of its wires, and `more`.
class running_process {
public:
  explicit running_process(
      std::shared_ptr<prometheus::Collectable> more = nullptr,
      const endpoint& where = {"127.0.0.1", 0}) {
    measure_mailboxes(config_);
    system_ = std::make_unique<caf::actor_system>(config_);
    monitor_ = system_->spawn<monitor_impl>(metrics{});
    figures_.add(every_kind_of_figure());
    node_.named("alpha", "127.0.0.1:4242");
    node_.slots(1, 2);
    heard_ = wires_.watch("alpha", std::make_shared<pulse>());
    exposer::collectables served{figures_.collectable(), process_figures(),
        actor_telemetry(*system_), node_.collectable()};
    for (auto& each : wires_.all())
      served.push_back(std::move(each));
    if (more)
      served.push_back(std::move(more));
    exposer_ = std::make_unique<exposer>(where, std::move(served));
  }

  ~running_process() {
    exposer_.reset();
    monitor_ = nullptr;
  }

  const endpoint& where() const { return exposer_->where(); }

private:
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  observer monitor_;
  metrics figures_;
  node_figures node_;
  wire_figures wires_{3.0};
  std::shared_ptr<void> heard_;
  std::unique_ptr<exposer> exposer_;
};

} // namespace troupe::monitoring
