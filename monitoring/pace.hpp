#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace troupe::monitoring {

/// How fast a run goes, from its latest rounds: what lies long back says little
/// about now.
class pace {
public:
  void add(std::uint64_t updates, double seconds) {
    recent_.push_back({static_cast<double>(updates), seconds});
    if (recent_.size() > window)
      recent_.pop_front();
  }

  bool known() const noexcept { return !recent_.empty(); }

  /// Nothing before the first round.
  std::optional<double> seconds_a_round() const {
    if (recent_.empty())
      return std::nullopt;
    return sum().seconds / static_cast<double>(recent_.size());
  }

  std::optional<double> updates_a_second() const {
    const auto total = sum();
    if (!(total.seconds > 0.0))
      return std::nullopt;
    return total.updates / total.seconds;
  }

private:
  static constexpr std::size_t window = 16;

  struct round {
    double updates = 0.0;
    double seconds = 0.0;
  };

  round sum() const {
    round result;
    for (const auto& r : recent_) {
      result.updates += r.updates;
      result.seconds += r.seconds;
    }
    return result;
  }

  std::deque<round> recent_;
};

} // namespace troupe::monitoring
