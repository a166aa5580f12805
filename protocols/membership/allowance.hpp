#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "protocols/time.hpp"

namespace troupe::membership {

/// How much may be told of what others can bring about as often as they like: a
/// few at once, and one more for each second that goes by (a token bucket).
/// Time is an argument.
class allowance {
public:
  static constexpr std::uint64_t most = 20;

  /// One more to tell. None: not this one; else how many were not told since
  /// the last that was.
  std::optional<std::uint64_t> take(instant now) {
    const auto grown = now - since_;
    if (const auto whole = grown / second; whole > 0) {
      left_ = std::min<std::uint64_t>(most, left_ + std::uint64_t(whole));
      since_ += whole * second;
    }
    if (left_ == 0) {
      ++withheld_;
      return std::nullopt;
    }
    --left_;
    return std::exchange(withheld_, 0);
  }

private:
  static constexpr duration second = std::chrono::seconds{1};

  std::uint64_t left_ = most;
  std::uint64_t withheld_ = 0;
  instant since_{};
};

} // namespace troupe::membership
