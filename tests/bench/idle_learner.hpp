#pragma once

#include <memory>

#include "gpu/training/learner.hpp"

namespace troupe::bench {

/// A learner that does not train: it moves every parameter a little, by an
/// amount of its client's and version's own, so that everything around the
/// training is what a benchmark measures.
class idle_learner : public training::learner {
public:
  explicit idle_learner(std::size_t size) : size_(size) {}

  gpu::layout layout() const override {
    gpu::layout views;
    gpu::append(views, "idle", {size_});
    return views;
  }

  void initialise(std::span<float> parameters, std::uint64_t) override {
    for (auto& w : parameters)
      w = 0.5f;
  }

  training::outcome train(std::span<float> parameters,
      const training::assignment& work, std::stop_token) override {
    const auto step =
        1e-6f * static_cast<float>(1 + (work.client + 7 * work.version) % 1000);
    for (auto& w : parameters)
      w += step;
    return {1, 1, step};
  }

  training::evaluation evaluate(std::span<const float>,
      const training::view& data, std::stop_token) override {
    return {data.size(), 0, 0.0};
  }

private:
  std::size_t size_;
};

inline training::learner_factory idle_learners(std::size_t size) {
  return [size](gpu::device) { return std::make_unique<idle_learner>(size); };
}

} // namespace troupe::bench
