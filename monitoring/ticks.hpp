#pragma once

#include <string>
#include <vector>

namespace troupe::monitoring {

/// Marks along an axis: multiples of 1, 2 or 5 times a power of ten that lie in
/// a range.
struct ticks {
  double step = 1.0;
  std::vector<double> at;

  /// About `wanted` marks within [low, high], finite and low < high; never
  /// steps below `finest`.
  static ticks over(double low, double high, int wanted, double finest = 0.0);

  /// The marks at multiples of `step` within [low, high].
  static ticks every(double step, double low, double high);

  /// As many digits as the step needs.
  std::string label(double value) const;
};

} // namespace troupe::monitoring
