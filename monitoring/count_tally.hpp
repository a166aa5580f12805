#pragma once

#include <cstdint>

#include <prometheus/counter.h>

namespace troupe::monitoring {

/// Adds to a counter once for a whole batch.
class count_tally {
public:
  explicit count_tally(prometheus::Counter& target) : target_(&target) {}

  void add(std::uint64_t n = 1) noexcept { pending_ += n; }

  void flush() {
    if (pending_ > 0)
      target_->Increment(static_cast<double>(pending_));
    pending_ = 0;
  }

private:
  prometheus::Counter* target_;
  std::uint64_t pending_ = 0;
};

} // namespace troupe::monitoring
