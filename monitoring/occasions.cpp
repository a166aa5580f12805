#include "monitoring/occasions.hpp"

#include <fmt/format.h>

#include "monitoring/wording.hpp"

namespace troupe::monitoring {

bool occasions::worth_saying() {
  ++count_;
  if (count_ <= 10)
    return true;
  if (count_ < next_)
    return false;
  next_ *= 10;
  return true;
}

std::string occasions::remainder() const {
  if (count_ < 10)
    return {};
  return fmt::format(
      " ({} so far, the next is told at {})", grouped(count_), grouped(next_));
}

} // namespace troupe::monitoring
