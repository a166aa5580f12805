#pragma once

#include <cstddef>
#include <functional>

#include "gpu/range.hpp"

namespace troupe::parallel {

/// Gathers ranges that become final one behind the other, from a block's end to
/// its begin, into buckets that are worth an exchange of their own. Where it
/// cuts depends on the ranges alone, so that all ranks cut alike.
class buckets {
public:
  using full = std::function<void(const gpu::range&)>;

  /// Calls `then` for each bucket of `least` values or more, and for what is
  /// left when the block's begin is final.
  buckets(std::size_t size, std::size_t least, full then)
      : least_(least), then_(std::move(then)), open_{size, 0} {}

  void add(const gpu::range& part) {
    open_.first = part.first;
    open_.size += part.size;
    if (open_.size < least_ && open_.first > 0)
      return;
    if (open_.size > 0)
      then_(open_);
    open_.size = 0;
  }

private:
  std::size_t least_;
  full then_;
  gpu::range open_;
};

} // namespace troupe::parallel
