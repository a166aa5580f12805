#pragma once

#include <cassert>
#include <cstddef>
#include <span>

namespace troupe::gpu {

/// Memory that a layer is lent, handed on piece by piece, each where an
/// allocation might begin: the libraries of a GPU look at that.
class lent {
public:
  explicit lent(std::span<float> all) : left_(all) {}

  /// What a piece takes.
  static constexpr std::size_t size(std::size_t values) noexcept {
    return (values + aligned - 1) / aligned * aligned;
  }

  std::span<float> take(std::size_t values) {
    assert(size(values) <= left_.size() && "a layer says what it takes");
    const auto result = left_.first(values);
    left_ = left_.subspan(size(values));
    return result;
  }
  /// All that is left.
  std::span<float> rest() const noexcept { return left_; }

private:
  static constexpr std::size_t aligned = 64; // 256 bytes
  std::span<float> left_;
};

} // namespace troupe::gpu
