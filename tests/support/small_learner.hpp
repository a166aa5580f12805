#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>

#include "gpu/training/learner.hpp"

namespace troupe::tests {

/// A learner of a few parameters whose optimum is known: client c pulls every
/// parameter towards c. `mishap` may misbehave before a step, by throwing, by
/// waiting, or by answering true, which spoils the parameters with NaN; so may
/// `doubt` before it scores.
struct small_learner : training::learner {
  using mishap_type =
      std::function<bool(const training::assignment&, std::stop_token)>;

  using doubt_type = std::function<void(std::stop_token)>;

  explicit small_learner(
      std::size_t size, mishap_type mishap = {}, doubt_type doubt = {})
      : size_(size), mishap_(std::move(mishap)), doubt_(std::move(doubt)) {}

  gpu::layout layout() const override {
    gpu::layout views;
    gpu::append(views, "w", {size_});
    return views;
  }

  void initialise(std::span<float> parameters, std::uint64_t seed) override {
    gpu::random_stream random{seed, gpu::stream::initialise};
    for (auto& w : parameters)
      w = static_cast<float>(random.normal());
  }

  training::outcome train(std::span<float> parameters,
      const training::assignment& work, std::stop_token stop) override {
    auto random = work.random;
    double loss = 0.0;
    auto steps = std::max<std::uint32_t>(work.how.epochs, 1);
    for (std::uint32_t step = 0; step < steps; ++step) {
      if (mishap_ && mishap_(work, stop))
        parameters[0] = std::numeric_limits<float>::quiet_NaN();
      if (stop.stop_requested())
        return {};
      loss = 0.0;
      for (auto& w : parameters) {
        auto noise = static_cast<float>(0.01 * random.normal());
        auto gap = w - static_cast<float>(work.client) + noise;
        w -= work.how.rate(work.version) * gap;
        loss += 0.5 * double(gap) * double(gap);
      }
    }
    return {steps, steps, loss / double(parameters.size())};
  }

  training::evaluation evaluate(std::span<const float> parameters,
      const training::view& data, std::stop_token stop) override {
    if (doubt_)
      doubt_(std::move(stop));
    return {data.size(), data.size() / 2,
        double(data.size()) * std::fabs(parameters[0])};
  }

private:
  std::size_t size_;
  mishap_type mishap_;
  doubt_type doubt_;
};

inline training::learner_factory small_learners(std::size_t size,
    small_learner::mishap_type mishap = {},
    small_learner::doubt_type doubt = {}) {
  return [=](gpu::device) {
    return std::make_unique<small_learner>(size, mishap, doubt);
  };
}

/// `size` samples without meaning, for learners that look at none.
inline training::view blank_samples(std::size_t size) {
  auto set = std::make_shared<training::dataset>();
  set->shape = {1};
  set->classes = 1;
  set->features = std::vector<std::uint8_t>(size);
  set->labels = std::vector<std::uint8_t>(size);
  return training::view{std::move(set)};
}

} // namespace troupe::tests
