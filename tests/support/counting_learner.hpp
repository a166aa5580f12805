#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "gpu/training/stateful_learner.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {

/// A small learner whose clients remember how often their updates counted, and
/// a momentum, which moves the parameters: where a state is not the one that it
/// should be, no model is what it should be.
struct counting_learner : training::stateful_learner {
  explicit counting_learner(
      std::size_t size, small_learner::mishap_type mishap = {})
      : small_(size), size_(size), mishap_(std::move(mishap)) {}

  gpu::layout layout() const override { return small_.layout(); }

  void initialise(std::span<float> parameters, std::uint64_t seed) override {
    small_.initialise(parameters, seed);
  }

  training::outcome train_with(std::vector<float>& state,
      std::span<float> parameters, const training::assignment& work,
      std::stop_token stop) override {
    state.resize(1 + size_);
    ++state[0];
    if (mishap_ && mishap_(work, stop))
      parameters[0] = std::numeric_limits<float>::quiet_NaN();
    if (stop.stop_requested())
      return {};
    auto random = work.random;
    for (std::size_t i = 0; i < size_; ++i) {
      auto noise = static_cast<float>(0.01 * random.normal());
      auto gap = parameters[i] - static_cast<float>(work.client) + noise;
      state[1 + i] = 0.5f * state[1 + i] + gap;
      parameters[i] -= work.how.rate(work.version) * state[1 + i];
    }
    return {1, 1, 1.0 / double(state[0])};
  }

  training::evaluation evaluate(std::span<const float> parameters,
      const training::view& data, std::stop_token stop) override {
    return small_.evaluate(parameters, data, std::move(stop));
  }

private:
  small_learner small_;
  std::size_t size_;
  small_learner::mishap_type mishap_;
};

inline training::learner_factory counting_learners(
    std::size_t size, small_learner::mishap_type mishap = {}) {
  return [=](gpu::device) {
    return std::make_unique<counting_learner>(size, mishap);
  };
}

} // namespace troupe::tests
