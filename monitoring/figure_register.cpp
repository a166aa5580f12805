#include "monitoring/figure_register.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

namespace troupe::monitoring {

late_gauge::family& figure_register::gauges(
    const std::string& name, const std::string& help) {
  return prometheus::BuildGauge()
      .Name("troupe_" + name)
      .Help(help)
      .Register(*registry_);
}

late_gauge figure_register::gauge(
    const std::string& name, const std::string& help, const labels& with) {
  return late_gauge{gauges(name, help), with};
}

prometheus::Counter& figure_register::counter(
    const std::string& name, const std::string& help, const labels& with) {
  return prometheus::BuildCounter()
      .Name("troupe_" + name)
      .Help(help)
      .Register(*registry_)
      .Add(with);
}

count_tally figure_register::tally(
    const std::string& name, const std::string& help, const labels& with) {
  return count_tally{counter(name, help, with)};
}

prometheus::Histogram& figure_register::histogram_of_seconds(
    const std::string& name, const std::string& help, const labels& with) {
  return prometheus::BuildHistogram()
      .Name("troupe_" + name)
      .Help(help)
      .Register(*registry_)
      .Add(with, bounds_of_seconds());
}

histogram_tally figure_register::seconds(
    const std::string& name, const std::string& help) {
  return histogram(name, help, bounds_of_seconds());
}

histogram_tally figure_register::histogram(const std::string& name,
    const std::string& help, const std::vector<double>& bounds) {
  auto& made = prometheus::BuildHistogram()
                   .Name("troupe_" + name)
                   .Help(help)
                   .Register(*registry_)
                   .Add({}, bounds);
  return {made, bounds};
}

const std::vector<double>& bounds_of_seconds() {
  static const std::vector<double> at{0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03,
      0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0};
  return at;
}

} // namespace troupe::monitoring
