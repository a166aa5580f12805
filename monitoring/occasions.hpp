#pragma once

#include <cstdint>
#include <string>

namespace troupe::monitoring {

/// Counts what happens often and says when to speak of it: the first ten times,
/// then the hundredth, the thousandth and so on.
class occasions {
public:
  bool worth_saying();
  /// What to add where not everything is told; empty where it is.
  std::string remainder() const;
  std::uint64_t count() const noexcept { return count_; }

private:
  std::uint64_t count_ = 0;
  std::uint64_t next_ = 100;
};

} // namespace troupe::monitoring
