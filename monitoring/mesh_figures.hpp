#pragma once

#include <cstdint>
#include <optional>

#include "monitoring/figure_register.hpp"
#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// Ranks and the steps that they make together: the part of `metrics` that
/// tells of a mesh.
class mesh_figures {
public:
  explicit mesh_figures(figure_register& to);

  void hear(const facts::run_started& what);
  void hear(const facts::mesh_formed& f);
  void hear(const facts::rank_lost& f, instant at);
  void hear(const facts::waiting& f);
  void hear(const facts::stepped& f, instant at);
  void hear(const facts::run_ended& f);

  void flush();

private:
  late_gauge step_;
  late_gauge wanted_;
  late_gauge present_;
  late_gauge epoch_;
  count_tally compositions_;
  count_tally lost_;
  count_tally bytes_;
  histogram_tally recovery_seconds_;
  prometheus::Counter* stepping_seconds_;
  prometheus::Counter* computing_seconds_;

  bool of_mesh_ = false;
  std::optional<instant> lost_at_; ///< and no step has been made since
};

} // namespace troupe::monitoring
