#pragma once

#include <cstdint>
#include <utility>

#include <prometheus/family.h>
#include <prometheus/gauge.h>

namespace troupe::monitoring {

/// A count, as Prometheus has numbers.
inline double number(std::uint64_t count) noexcept {
  return static_cast<double>(count);
}

/// A gauge that has no sample until it has a value: what nobody has observed
/// yet is not 0.
class late_gauge {
public:
  using family = prometheus::Family<prometheus::Gauge>;

  explicit late_gauge(family& of, prometheus::Labels labels = {})
      : family_(&of), labels_(std::move(labels)) {}

  void set(double value) {
    if (gauge_)
      gauge_->Set(value);
    else
      gauge_ = &family_->Add(labels_, value);
  }

private:
  family* family_;
  prometheus::Labels labels_;
  prometheus::Gauge* gauge_ = nullptr;
};

} // namespace troupe::monitoring
