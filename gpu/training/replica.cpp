#include "gpu/training/replica.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "gpu/operators/reductions.hpp"
#include "gpu/operators/vectors.hpp"
#include "gpu/training/fitness.hpp"
#include "gpu/training/sampled_network.hpp"

namespace troupe::training {

class replica::state {
public:
  state(models::model what, gpu::device where)
      : samples(std::move(what), where) {}

  sampled_network samples;
};

replica::replica(models::model what, gpu::device where)
    : state_(std::make_unique<state>(std::move(what), where)) {}
replica::~replica() = default;
replica::replica(replica&&) noexcept = default;

gpu::device_stream& replica::stream() noexcept {
  return state_->samples.stream();
}

const gpu::layout& replica::parameters() const noexcept {
  return state_->samples.network().parameters();
}

void replica::initialise(
    std::span<float> parameters, std::uint64_t seed) const {
  state_->samples.network().initialise(parameters, seed);
}

double replica::gradient(std::span<const float> parameters, const view& data,
    std::span<const std::uint32_t> samples, std::size_t of,
    gpu::gradient_sink to, const word& ready) {
  auto& through = state_->samples;
  auto& on = through.stream();
  assert(parameters.size() == gpu::size(this->parameters()) &&
         to.destination.size == parameters.size() && samples.size() <= of &&
         "a part of a batch, by all parameters");
  check_fit(through.model(), data);
  if (samples.empty()) { // a gradient of 0
    gpu::scale_and_add(on, 0.0f, parameters, to.beta, to.destination.span());
    if (ready)
      ready({0, parameters.size()});
  }
  const auto scale = 1.0f / float(of);
  const auto together = through.most_together();
  double loss = 0.0;
  while (!samples.empty()) {
    const auto part = samples.first(std::min(together, samples.size()));
    samples = samples.subspan(part.size());
    const auto losses = through.forward(parameters, data, part, scale);
    through.backward(parameters, to, samples.empty() ? ready : word{});
    // Behind the backward pass, which shall not wait for it.
    loss += gpu::sum(on, losses);
    to.beta = 1.0f;
  }
  on.synchronise();
  return loss;
}

evaluation replica::evaluate(
    std::span<const float> parameters, const view& data, std::stop_token stop) {
  return state_->samples.evaluate(parameters, data, stop);
}

} // namespace troupe::training
