#pragma once

#include "monitoring/metrics.hpp"
#include "protocols/observer.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace troupe::monitoring {

/// Feeds the metrics with every fact. Holds nothing that a run depends on.
class monitor_state {
public:
  static inline const char* name = "troupe.monitor";

  monitor_state(observer::pointer, metrics figures)
      : figures_(std::move(figures)) {}

  observer::behavior_type make_behavior() {
    return {[this](const fact_batch& batch) { hear(batch); }};
  }

private:
  void hear(const fact_batch& batch) {
    if (batch.facts)
      figures_.add(*batch.facts);
  }

  metrics figures_;
};

using monitor_impl = observer::stateful_impl<monitor_state>;

} // namespace troupe::monitoring
