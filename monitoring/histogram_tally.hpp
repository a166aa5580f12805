#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <prometheus/histogram.h>

namespace troupe::monitoring {

/// Sorts values into a histogram's buckets without its lock, to hand over a
/// whole batch at once. A bucket includes its upper bound, as Prometheus' do.
class histogram_tally {
public:
  histogram_tally(prometheus::Histogram& target, std::vector<double> bounds)
      : target_(&target),
        bounds_(std::move(bounds)),
        counts_(bounds_.size() + 1, 0.0) {}

  void add(double value) {
    auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    counts_[static_cast<std::size_t>(bucket - bounds_.begin())] += 1.0;
    sum_ += value;
    empty_ = false;
  }

  void flush() {
    if (empty_)
      return;
    target_->ObserveMultiple(counts_, sum_);
    std::fill(counts_.begin(), counts_.end(), 0.0);
    sum_ = 0.0;
    empty_ = true;
  }

private:
  prometheus::Histogram* target_;
  std::vector<double> bounds_;
  std::vector<double> counts_;
  double sum_ = 0.0;
  bool empty_ = true;
};

} // namespace troupe::monitoring
