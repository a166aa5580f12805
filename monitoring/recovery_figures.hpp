#pragma once

#include <optional>

#include "monitoring/figure_register.hpp"
#include "monitoring/recoveries.hpp"
#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// How soon a run goes on after somebody was lost: the part of `metrics` that
/// measures time between facts.
class recovery_figures {
public:
  explicit recovery_figures(figure_register& to);

  void hear(const facts::run_started& what, instant at);
  void hear(const facts::requeued& f, instant at);
  void hear(const facts::leased& f, instant at);
  void hear(const facts::published& f, instant at);
  void hear(const facts::round_started& f, instant at);
  void hear(const facts::client_left& f, instant at);
  void hear(const facts::run_ended& f, instant at);

  /// How long this process was there before its run began.
  void began_after(double seconds) { before_ = seconds; }
  void flush() { leases_.flush(); }

private:
  void add(const std::optional<duration>& took);

  late_gauge resume_;
  histogram_tally leases_;
  recoveries open_;
  double before_ = 0.0;
  std::optional<instant> taken_up_; ///< and no version was made since
};

} // namespace troupe::monitoring
