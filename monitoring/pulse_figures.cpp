#include "monitoring/pulse_figures.hpp"

#include <iterator>
#include <map>
#include <utility>

#include <prometheus/metric_family.h>

namespace troupe::monitoring {

std::shared_ptr<void> pulse_figures::watch(
    std::string peer, std::shared_ptr<const pulse> of) {
  std::lock_guard lock{guard_};
  const auto at =
      entries_.insert(entries_.end(), {std::move(peer), std::move(of)});
  return {nullptr, [self = shared_from_this(), at](std::nullptr_t) {
            std::lock_guard over{self->guard_};
            self->entries_.erase(at);
          }};
}

// Of two sessions of one name, the older of which is about to end, the newer.
std::vector<prometheus::MetricFamily> pulse_figures::Collect() const {
  std::map<std::string, double> silences;
  {
    std::lock_guard lock{guard_};
    for (const auto& each : entries_)
      silences[each.peer] = each.of->silence();
  }
  prometheus::MetricFamily result{"troupe_silence_seconds",
      "Time since a peer with a session was last heard.",
      prometheus::MetricType::Gauge, {}};
  for (const auto& [peer, value] : silences) {
    auto& metric = result.metric.emplace_back();
    metric.label.push_back({"peer", peer});
    metric.gauge.value = value;
  }
  return {std::move(result)};
}

} // namespace troupe::monitoring
