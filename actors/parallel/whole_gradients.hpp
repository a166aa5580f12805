#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "actors/parallel/standing.hpp"
#include "gpu/buffer.hpp"
#include "protocols/collective/canonical.hpp"
#include "protocols/collective/group.hpp"

namespace troupe::parallel {

/// A rank's own micro-batches, each one's gradient whole, added along the tree
/// over all micro-batches of a step as far as this rank has all of a subtree.
/// Takes a block of the model's size for each sum that it hands on, and one for
/// each level of the tree below.
class whole_gradients {
public:
  whole_gradients(
      std::uint32_t micro_batches, std::uint32_t ranks, std::uint32_t rank);

  std::span<const std::uint32_t> holders() const noexcept { return holders_; }

  /// What its terms are sums of, from left to right.
  std::span<const collective::node> nodes() const noexcept { return nodes_; }

  struct sums {
    collective::group::canonical_terms terms; ///< on the host
    std::uint64_t samples = 0;
    double loss = 0.0; ///< over these
  };
  /// Of step `at.step()`. The terms live until the next call.
  sums make(standing& at);

private:
  gpu::buffer& sum(standing& at, collective::node x, sums& to);
  gpu::buffer& leaf(standing& at, std::uint32_t which, sums& to);
  gpu::buffer& spare(std::size_t size);

  std::vector<std::uint32_t> holders_;
  std::vector<collective::node> nodes_;
  std::list<gpu::buffer> blocks_;
  std::vector<gpu::buffer*> free_;
  gpu::buffer on_device_;
};

} // namespace troupe::parallel
