#pragma once

#include <limits>

#include "monitoring/figure_register.hpp"
#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// How far a run is and how good its model: the part of `metrics` that tells of
/// versions, rounds and scores.
class model_figures {
public:
  explicit model_figures(figure_register& to);

  void hear(const facts::run_started& what);
  void hear(const facts::voided& f);
  void hear(const facts::round_started& f);
  void hear(const facts::round_skipped& f);
  void hear(const facts::published& f);
  void hear(const facts::stepped& f);
  void hear(const facts::evaluated& f);
  void hear(const facts::stored& f);
  void hear(const facts::run_ended& f);
  void hear(const facts::rule_changed& f);

  /// A score that is not of this process.
  void take_up(const facts::evaluated& last);
  void flush();

private:
  void tell_of_run();

  facts::run_header run_;
  late_gauge::family& info_;
  prometheus::Gauge* current_info_ = nullptr;
  late_gauge active_;
  late_gauge planned_;
  late_gauge parameters_;
  late_gauge version_;
  late_gauge updates_;
  late_gauge stored_version_;
  late_gauge accuracy_;
  late_gauge best_accuracy_;
  late_gauge loss_;
  late_gauge evaluated_version_;
  late_gauge training_loss_;
  count_tally rounds_started_;
  count_tally rounds_skipped_;
  count_tally rule_changes_;
  histogram_tally round_seconds_;
  histogram_tally evaluation_seconds_;
  histogram_tally store_seconds_;
  double best_ = -std::numeric_limits<double>::infinity();
};

} // namespace troupe::monitoring
