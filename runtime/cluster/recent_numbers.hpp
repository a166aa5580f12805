#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>

namespace troupe::cluster {

/// The latest numbers that came, each of which should come once.
class recent_numbers {
public:
  explicit recent_numbers(std::size_t most) : most_(most) {}

  /// False: it is known.
  bool add(std::uint64_t number) {
    if (!known_.insert(number).second)
      return false;
    order_.push_back(number);
    if (order_.size() > most_) {
      known_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }

private:
  std::size_t most_;
  std::set<std::uint64_t> known_;
  std::deque<std::uint64_t> order_; // in which they came
};

} // namespace troupe::cluster
