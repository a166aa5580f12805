#include "runtime/simulation/idle_workshop.hpp"

#include <cmath>
#include <memory>
#include <utility>

namespace troupe::simulation {
namespace {

// Scores are counts: so many make an accuracy fine enough.
constexpr std::uint64_t scored_samples = 1'000'000;

} // namespace

product idle_workshop::train(const federated::grant& what, const loan&) {
  product result;
  result.outcome = trains_(what);
  return result;
}

std::uint64_t idle_workshop::add(
    const product&, const loan&, const federated::verdict& how) {
  if (model_)
    open_ += how.share > 0.0 ? how.weight / how.share : 1.0;
  return 0;
}

made_version idle_workshop::publish(const federated::publication&) {
  done_ += std::exchange(open_, 0.0);
  return {};
}

training::evaluation idle_workshop::score() {
  if (!model_)
    return {};
  const auto left = std::exp(-done_ / model_->rate);
  const auto accuracy = 1.0 - (1.0 - 1.0 / model_->classes) * left;
  return {scored_samples,
      static_cast<std::uint64_t>(
          std::llround(accuracy * double(scored_samples))),
      std::log(model_->classes) * left * double(scored_samples)};
}

// As much as two floats hold.
tensor idle_workshop::current() const {
  if (!model_)
    return nullptr;
  auto block = std::make_shared<gpu::buffer>(2);
  const auto high = static_cast<float>(done_);
  block->span()[0] = high;
  block->span()[1] = static_cast<float>(done_ - double(high));
  return block;
}

void idle_workshop::restore(tensor parameters, named_blocks) {
  open_ = done_ = 0.0;
  if (parameters)
    for (const auto each : parameters->span())
      done_ += double(each);
}

} // namespace troupe::simulation
