#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "gpu/copy.hpp"
#include "gpu/device_stream.hpp"

namespace troupe::parallel {

/// A block as collectives of the host see it: itself, on a CPU; of a GPU's, a
/// copy on the host, which goes back when it is said so.
class staging {
public:
  /// Waits until the block is there.
  staging(gpu::device_stream& on, std::span<float> block)
      : on_(on), block_(block), here_(block) {
    if (!on.on_gpu())
      return;
    copy_.resize(block.size());
    here_ = copy_;
    gpu::copy<float>(on, block, here_);
    on.synchronise();
  }

  std::span<float> here() const noexcept { return here_; }
  void back() {
    if (!on_.on_gpu())
      return;
    gpu::copy<float>(on_, here_, block_);
    on_.synchronise();
  }

private:
  gpu::device_stream& on_;
  std::span<float> block_;
  std::span<float> here_;
  std::vector<float> copy_;
};

} // namespace troupe::parallel
