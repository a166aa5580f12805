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
  float weight_decay = 0.0f; ///< L2, added to the gradient
  float clip = 0.0f;         ///< largest gradient norm; 0: none
  /// Or "fedprox", "fednova", "scaffold", "feddyn".
  std::string method = "sgd";
  float mu = 0.01f;     ///< fedprox: the pull back to where it started
  float alpha = 0.01f;  ///< feddyn: that pull, and what the client keeps of it
  float seconds = 0.0f; ///< what it has by then is its update; 0: all

  /// The learning rate of round `round`, counted from 0.
  float rate(std::uint64_t round) const noexcept;

  /// What the gradient gets for each unit of distance from the start (FedProx,
  /// Li et al. 2020, section 3.2; FedDyn, Acar et al. 2021, section 3): 0 where
  /// `method` has no such term.
  float pull() const noexcept;

  /// Its clients keep a control variate each, and the server one
  /// (`training::correction`).
  bool keeps_variates() const noexcept {
    return method == "scaffold" || method == "feddyn";
  }

  /// The same with so much work: steps, if it counts those, or epochs. 0: as
  /// much as it says.
  recipe with_work(std::uint32_t amount) const;

  friend bool operator==(const recipe&, const recipe&) = default;
};

/// What `steps` of a client's descent amount to: how often its update has each
/// gradient in it, all added up, the |a|_1 of Wang et al. 2020, "Tackling the
/// Objective Inconsistency Problem in Heterogeneous Federated Optimization"
/// (FedNova), section 4. Without momentum that is `steps`; with momentum p in
/// (0, 1), which begins at nothing with every lease,
///
///     (steps - p (1 - p^steps) / (1 - p)) / (1 - p)
///
/// At least 1 of one step or more; 0 of none.
double amount_of(std::uint64_t steps, double momentum) noexcept;

} // namespace troupe::training
