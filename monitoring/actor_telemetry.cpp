#include "monitoring/actor_telemetry.hpp"

#include <cctype>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/telemetry/counter.hpp>
#include <caf/telemetry/gauge.hpp>
#include <caf/telemetry/histogram.hpp>
#include <caf/telemetry/metric.hpp>
#include <caf/telemetry/metric_family.hpp>
#include <caf/telemetry/metric_registry.hpp>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

namespace troupe::monitoring {

namespace {

namespace ct = caf::telemetry;
using prometheus::ClientMetric;
using prometheus::MetricType;

std::string valid_name(std::string name) {
  for (auto& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != ':')
      c = '_';
  return name;
}

std::string full_name(const ct::metric_family& family) {
  auto name = family.prefix() + "." + family.name();
  if (family.unit() != "1" && !family.unit().empty())
    name += "." + family.unit();
  if (family.is_sum())
    name += ".total";
  return valid_name(std::move(name));
}

/// Visits CAF's registry, which keeps a family's metrics together.
class visitor {
public:
  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

  template <class T>
  void operator()(const ct::metric_family* family, const ct::metric* metric,
      const ct::counter<T>* counter) {
    place(family, MetricType::Counter, metric).counter.value =
        static_cast<double>(counter->value());
  }

  void operator()(const ct::metric_family* family, const ct::metric* metric,
      const ct::int_gauge* gauge) {
    level(family, metric, static_cast<double>(gauge->value()));
  }

  void operator()(const ct::metric_family* family, const ct::metric* metric,
      const ct::dbl_gauge* gauge) {
    level(family, metric, gauge->value());
  }

  template <class T>
  void operator()(const ct::metric_family* family, const ct::metric* metric,
      const ct::histogram<T>* histogram) {
    auto& out = place(family, MetricType::Histogram, metric).histogram;
    for (const auto& bucket : histogram->buckets()) {
      out.sample_count += static_cast<std::uint64_t>(bucket.count.value());
      out.bucket.push_back({out.sample_count, bound(bucket.upper_bound)});
    }
    out.sample_sum = static_cast<double>(histogram->sum());
  }

private:
  /// CAF calls some running sums gauges; a name in _total must be a counter.
  void level(
      const ct::metric_family* family, const ct::metric* metric, double value) {
    if (family->is_sum())
      place(family, MetricType::Counter, metric).counter.value = value;
    else
      place(family, MetricType::Gauge, metric).gauge.value = value;
  }

  template <class T>
  static double bound(T upper) {
    if (upper == std::numeric_limits<T>::max())
      return std::numeric_limits<double>::infinity();
    return static_cast<double>(upper);
  }

  ClientMetric& place(const ct::metric_family* family, MetricType type,
      const ct::metric* metric) {
    if (family != current_) {
      current_ = family;
      families_.push_back({full_name(*family), family->helptext(), type, {}});
    }
    auto& out = families_.back().metric.emplace_back();
    for (const auto& label : metric->labels())
      out.label.push_back(
          {valid_name(std::string{label.name().data(), label.name().size()}),
              std::string{label.value().data(), label.value().size()}});
    return out;
  }

  const ct::metric_family* current_ = nullptr;
  std::vector<prometheus::MetricFamily> families_;
};

class collectable : public prometheus::Collectable {
public:
  explicit collectable(const caf::actor_system& system)
      : registry_(&system.metrics()) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    visitor collector;
    registry_->collect(collector);
    return collector.take();
  }

private:
  const ct::metric_registry* registry_;
};

} // namespace

void measure_mailboxes(caf::actor_system_config& config) {
  using names = std::vector<std::string>;
  config.set("caf.metrics-filters.actors.includes", names{"troupe.*"});
  config.set("caf.metrics-filters.actors.excludes", names{"troupe.worker"});
}

std::shared_ptr<prometheus::Collectable> actor_telemetry(
    const caf::actor_system& system) {
  return std::make_shared<collectable>(system);
}

} // namespace troupe::monitoring
