#pragma once

#include <cstdint>
#include <string>

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
  float weight_decay = 0.0f;  ///< L2, added to the gradient
  float clip = 0.0f;          ///< largest gradient norm; 0: none
  std::string method = "sgd"; ///< or "fedprox", "fednova"
  float mu = 0.01f;           ///< fedprox: the pull back to where it started

  /// The learning rate of round `round`, counted from 0.
  float rate(std::uint64_t round) const noexcept;

  /// What the gradient gets for each unit of distance from the start (FedProx,
  /// Li et al. 2020, section 3.2): 0 where `method` has no such term.
  float pull() const noexcept { return method == "fedprox" ? mu : 0.0f; }

  /// The same with so much work: steps, if it counts those, or epochs. 0: as
  /// much as it says.
  recipe with_work(std::uint32_t amount) const;

  friend bool operator==(const recipe&, const recipe&) = default;
};

} // namespace troupe::training
