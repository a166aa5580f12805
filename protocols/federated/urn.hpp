#pragma once

#include <cassert>
#include <cstddef>
#include <span>
#include <vector>

#include "gpu/random.hpp"

namespace troupe::federated {

/// Draws without replacement, each time in proportion to the weights that are
/// left: O(n) to fill, O(log n) a draw. The bits follow from the weights and
/// the stream alone; no function of libm is in them.
class urn {
public:
  /// All above 0.
  explicit urn(std::span<const double> weights) : left_(weights.size()) {
    while (leaves_ < weights.size())
      leaves_ *= 2;
    sums_.resize(2 * leaves_);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      assert(weights[i] > 0.0);
      sums_[leaves_ + i] = weights[i];
    }
    for (auto i = leaves_; i-- > 1;)
      add_up(i);
  }

  /// Takes one out, and answers with its place. Requires !empty().
  std::size_t take(gpu::random_stream& random) noexcept {
    assert(!empty());
    auto rest = random.uniform() * sums_[1];
    std::size_t at = 1;
    while (at < leaves_) {
      at *= 2;
      // Rounding may leave more than all of a branch weighs.
      if (rest >= sums_[at] && sums_[at + 1] > 0.0)
        rest -= sums_[at++];
    }
    const auto place = at - leaves_;
    sums_[at] = 0.0;
    while (at /= 2)
      add_up(at);
    --left_;
    return place;
  }

  bool empty() const noexcept { return left_ == 0; }

private:
  void add_up(std::size_t at) noexcept {
    sums_[at] = sums_[2 * at] + sums_[2 * at + 1];
  }

  std::size_t left_;
  std::size_t leaves_ = 1;
  std::vector<double> sums_; // of a binary tree's nodes; the root is the first
};

} // namespace troupe::federated
