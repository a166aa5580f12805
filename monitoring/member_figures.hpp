#pragma once

#include <cstdint>

#include "monitoring/figure_register.hpp"
#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// Who takes part in a cluster's run: the part of `metrics` that tells of
/// nodes.
class member_figures {
public:
  explicit member_figures(figure_register& to);

  void hear(const facts::node_joined& f);
  void hear(const facts::node_left& f);

  void flush();

private:
  late_gauge nodes_;
  late_gauge epoch_;
  count_tally joined_;
  count_tally lost_;
  count_tally left_;
  std::uint64_t there_ = 0;
};

} // namespace troupe::monitoring
