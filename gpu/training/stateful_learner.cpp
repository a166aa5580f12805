#include "gpu/training/stateful_learner.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

namespace troupe::training {

outcome stateful_learner::train(
    std::span<float> parameters, const assignment& work, std::stop_token stop) {
  std::vector<float> none;
  return train_with(none, parameters, work, std::move(stop));
}

std::size_t stateful_learner::most_values() const {
  constexpr std::size_t least = 1'000'000;
  return std::max(least, 4 * gpu::size(layout()));
}

std::size_t most_values(learner& by) {
  const auto model = gpu::size(by.layout());
  const auto* keeps = by.stateful();
  return keeps ? std::max(model, keeps->most_values()) : model;
}

outcome train_client(learner& by, gpu::shared_buffer& state,
    std::span<float> parameters, const assignment& work, std::stop_token stop) {
  const auto before = std::exchange(state, nullptr);
  auto* keeps = by.stateful();
  if (!keeps)
    return by.train(parameters, work, std::move(stop));
  if (work.how.keeps_variates())
    throw std::invalid_argument(
        "method \"" + work.how.method +
        "\" keeps its clients' control variates, and this learner keeps "
        "states of its own");
  std::vector<float> values;
  if (before)
    values.assign(before->span().begin(), before->span().end());
  const auto result =
      keeps->train_with(values, parameters, work, std::move(stop));
  auto after = std::make_shared<gpu::buffer>(values.size());
  std::ranges::copy(values, after->span().begin());
  state = std::move(after);
  return result;
}

} // namespace troupe::training
