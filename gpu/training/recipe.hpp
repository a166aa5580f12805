#pragma once

#include <cstdint>

namespace troupe::training {

/// How a client trains. `steps` > 0 replaces `epochs`; `batch` = 0 takes all
/// samples at once.
struct recipe {
  std::uint32_t epochs = 1;
  std::uint32_t steps = 0;
  std::uint32_t batch = 10;
  float lr = 0.05f;
  float lr_decay = 1.0f; ///< the rate of round r is lr * lr_decay^r
  float momentum = 0.0f;
  float weight_decay = 0.0f; ///< L2, added to the gradient
  float clip = 0.0f;         ///< largest gradient norm; 0: none

  /// The learning rate of round `round`, counted from 0.
  float rate(std::uint64_t round) const noexcept;

  /// The same with so much work: steps, if it counts those, or epochs. 0: as
  /// much as it says.
  recipe with_work(std::uint32_t amount) const noexcept;

  friend bool operator==(const recipe&, const recipe&) = default;
};

} // namespace troupe::training
