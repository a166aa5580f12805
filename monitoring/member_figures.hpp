#pragma once

#include <functional>
#include <map>
#include <string>

#include "monitoring/figure_register.hpp"
#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// Who takes part in a cluster's run: the part of `metrics` that tells of
/// nodes. None of them has a label of its own here.
class member_figures {
public:
  explicit member_figures(figure_register& to);

  void hear(const facts::node_joined& f);
  void hear(const facts::node_left& f);
  void hear(const facts::node_changed& f);
  void hear(const facts::node_refused& f);

  void flush();

private:
  late_gauge joining_, members_, draining_, left_ones_, lost_ones_;
  late_gauge epoch_;
  count_tally joined_;
  count_tally lost_;
  count_tally left_;
  std::map<std::string, count_tally, std::less<>> refused_; ///< by reason
  histogram_tally detection_;
};

} // namespace troupe::monitoring
