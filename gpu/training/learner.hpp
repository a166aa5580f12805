#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>

#include "gpu/buffer.hpp"
#include "gpu/device.hpp"
#include "gpu/layout.hpp"
#include "gpu/random.hpp"
#include "gpu/training/dataset.hpp"
#include "gpu/training/recipe.hpp"

namespace troupe::training {

/// What training may take; it ends with whatever is used up first, but not
/// before a step. 0: any.
struct budget {
  std::uint64_t steps = 0;
  double seconds = 0.0; ///< of wall time
};

/// One piece of local training: everything a learner may depend on, so that
/// the same assignment gives the same bits wherever and whenever it is run.
struct assignment {
  std::uint64_t client = 0;
  std::uint64_t version = 0; ///< of the parameters that it starts from
  view data;                 ///< the client's samples; empty if it has its own
  recipe how; ///< for the learner to keep to, all of it: see `learner`
  gpu::random_stream random{0}; ///< this client's, for this version
  /// Added to every gradient: against the client's drift (`correction`). On the
  /// host, as long as the parameters; null: nothing is.
  gpu::shared_buffer correction{};
  budget within{}; ///< beyond it, what was done is its update: `partial`
};

/// What training reports beside the parameters.
struct outcome {
  std::uint64_t samples = 0; ///< processed, over all epochs
  std::uint64_t steps = 0;
  double loss = 0.0;        ///< mean over the samples processed
  double square_loss = 0.0; ///< mean of its square, likewise; 0: not known
  bool partial = false;     ///< the recipe asks for more than it did
};

/// Sums over samples, so that parts of a test set can be merged.
struct evaluation {
  std::uint64_t samples = 0;
  std::uint64_t correct = 0;
  double loss_sum = 0.0;

  double loss() const noexcept {
    return samples ? loss_sum / double(samples) : 0.0;
  }
  double accuracy() const noexcept {
    return samples ? double(correct) / double(samples) : 0.0;
  }
  void merge(const evaluation& other) noexcept {
    samples += other.samples;
    correct += other.correct;
    loss_sum += other.loss_sum;
  }
};

class stateful_learner;

/// What users implement to train something of their own. Each compute slot owns
/// one learner, made by a `learner_factory` for the slot's device; it is called
/// from that slot's thread alone, so it may keep workspaces without locks.
///
/// Spans of parameters are on the learner's device, and nothing that was queued
/// works on them any more when a call returns. A learner may throw: that fails
/// the one assignment, by the exception's text, and not the run. One that does
/// not heed its budget is late, and may not count.
///
/// Nobody looks into what a learner makes of the recipe, its method neither:
/// one of one's own that is to train by FedProx adds `how.pull()` times the
/// distance from the start to its gradients, and `correction` where there is
/// one, as `trainer` does.
///
/// One whose clients keep something between their leases is a
/// `stateful_learner`.
class learner {
public:
  virtual ~learner() = default;

  /// The parameters' names and shapes; their sizes add up to the block's.
  virtual gpu::layout layout() const = 0;

  /// Writes the parameters of version 0, a function of `seed` alone.
  virtual void initialise(std::span<float> parameters, std::uint64_t seed) = 0;

  /// Trains `parameters` in place. Looks at `stop` at least once a step and
  /// returns soon after it was requested; what it returns then is dropped.
  virtual outcome train(std::span<float> parameters, const assignment& work,
      std::stop_token stop) = 0;

  /// Sums loss and correct predictions over `data`.
  virtual evaluation evaluate(std::span<const float> parameters,
      const view& data, std::stop_token stop) = 0;

  /// Itself, where its clients keep states.
  virtual stateful_learner* stateful() noexcept { return nullptr; }
};

/// Makes a learner for a device; called once a slot, from the slot's thread.
using learner_factory = std::function<std::unique_ptr<learner>(gpu::device)>;

} // namespace troupe::training
