#include "gpu/operators/steps.hpp"

#include <cassert>

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/host/kernels.hpp"

namespace troupe::gpu {

void step(device_stream& on, const sgd_step& how,
    std::span<const float> gradient, std::span<float> velocity,
    std::span<float> parameters) {
  assert(gradient.size() == parameters.size() &&
         velocity.size() == (how.momentum > 0.0f ? gradient.size() : 0) &&
         "a step pairs equal ranges");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::step(on, how, gradient, velocity, parameters);
  host::best_kernels().sgd({how, gradient.data(), velocity.data(),
      parameters.data(), parameters.size()});
}

void step(device_stream& on, const adamw_step& how,
    std::span<const float> gradient, std::span<float> first_moment,
    std::span<float> second_moment, std::span<float> parameters) {
  assert(gradient.size() == parameters.size() &&
         first_moment.size() == parameters.size() &&
         second_moment.size() == parameters.size() &&
         "a step pairs equal ranges");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::step(
          on, how, gradient, first_moment, second_moment, parameters);
  host::best_kernels().adamw({how, gradient.data(), first_moment.data(),
      second_moment.data(), parameters.data(), parameters.size()});
}

} // namespace troupe::gpu
