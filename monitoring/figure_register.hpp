#pragma once

#include <memory>
#include <string>
#include <vector>

#include <prometheus/registry.h>

#include "monitoring/count_tally.hpp"
#include "monitoring/histogram_tally.hpp"
#include "monitoring/late_gauge.hpp"

namespace troupe::monitoring {

/// Makes metrics named `troupe_...` and keeps them to be scraped. A name that
/// is asked for twice, with other labels, is one family.
class figure_register {
public:
  using labels = prometheus::Labels;

  late_gauge::family& gauges(const std::string& name, const std::string& help);
  late_gauge gauge(const std::string& name, const std::string& help,
      const labels& with = {});
  prometheus::Counter& counter(const std::string& name, const std::string& help,
      const labels& with = {});
  count_tally tally(const std::string& name, const std::string& help,
      const labels& with = {});
  prometheus::Histogram& histogram_of_seconds(const std::string& name,
      const std::string& help, const labels& with = {});
  /// Of seconds, from a tenth of a millisecond to a quarter of an hour.
  histogram_tally seconds(const std::string& name, const std::string& help);
  histogram_tally histogram(const std::string& name, const std::string& help,
      const std::vector<double>& bounds);

  std::shared_ptr<prometheus::Registry> all() const { return registry_; }

private:
  std::shared_ptr<prometheus::Registry> registry_ =
      std::make_shared<prometheus::Registry>();
};

const std::vector<double>& bounds_of_seconds();

} // namespace troupe::monitoring
