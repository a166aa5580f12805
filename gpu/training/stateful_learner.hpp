#pragma once

#include <vector>

#include "gpu/buffer.hpp"
#include "gpu/training/learner.hpp"

namespace troupe::training {

/// What users implement where a client keeps something from one lease to the
/// next: a control variate, a residual, a personal model, a counter. Its state
/// is a flat block of floats, of any length, on the host; it goes where the
/// client trains, and is stored with the version that took its update. Work
/// that did not count leaves no trace in it.
class stateful_learner : public learner {
public:
  /// As `train`. `state` is what the client's last update that counted left it;
  /// empty where there was none. What it holds on return is the client's next
  /// state, if this update counts. With the state, the same assignment gives
  /// the same bits, those of the next state included.
  virtual outcome train_with(std::vector<float>& state,
      std::span<float> parameters, const assignment& work,
      std::stop_token stop) = 0;

  /// A client that begins with nothing, and what it leaves is forgotten.
  outcome train(std::span<float> parameters, const assignment& work,
      std::stop_token stop) final;
  stateful_learner* stateful() noexcept final { return this; }

  /// Of a state, at most: what comes from another machine is refused beyond. As
  /// it stands a million, or four times the model's.
  virtual std::size_t most_values() const;
};

/// Values that a tensor of a run by this learner may have: the model's, or a
/// state's.
std::size_t most_values(learner& by);

/// Trains by any learner. `state` is the client's, null where it has none, and
/// then what it left; null where the learner's clients keep nothing.
outcome train_client(learner& by, gpu::shared_buffer& state,
    std::span<float> parameters, const assignment& work, std::stop_token stop);

} // namespace troupe::training
