#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/random.hpp"

namespace troupe::training {

/// The order in which a run without clients takes the samples of its data: pass
/// behind pass without a gap, each pass a permutation of its own, a function of
/// the seed and the pass alone. So any rank can take any part of any batch, in
/// any process.
class sample_order {
public:
  sample_order(std::uint64_t seed, std::uint32_t samples);

  /// The samples at [first, first + to.size()) of the endless order.
  void take(std::uint64_t first, std::span<std::uint32_t> to);

private:
  std::span<const std::uint32_t> pass(std::uint64_t number);

  std::uint64_t seed_;
  std::uint32_t samples_;
  std::uint64_t number_ = ~std::uint64_t{0}; ///< of the pass below
  std::vector<std::uint32_t> order_;
};

} // namespace troupe::training
