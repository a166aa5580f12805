#include "gpu/operators/descent.hpp"

#include <cassert>
#include <cmath>

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/operators/reductions.hpp"
#include "gpu/operators/vectors.hpp"

namespace troupe::gpu {
namespace {

void pull_back(float mu, std::span<const float> start,
    std::span<const float> parameters, std::span<float> gradient) {
  for (std::size_t i = 0; i < gradient.size(); ++i)
    gradient[i] += mu * (parameters[i] - start[i]);
}

void correct(std::span<const float> by, std::span<float> gradient) {
  for (std::size_t i = 0; i < gradient.size(); ++i)
    gradient[i] += by[i];
}

void descend_one(device_stream& on, const descent& how,
    std::span<const float> gradient, bool moving, std::span<float> velocity,
    std::span<float> parameters) {
  auto scale = 1.0f;
  if (how.clip > 0.0f) {
    const auto norm = std::sqrt(sum_of_squares(on, gradient));
    if (norm > how.clip)
      scale = float(how.clip / norm);
  }
  if (how.momentum > 0.0f) {
    scale_and_add(on, scale, gradient, moving ? how.momentum : 0.0f, velocity);
    scale_and_add(on, how.weight_decay, parameters, 1.0f, velocity);
    scale_and_add(on, -how.lr, velocity, 1.0f, parameters);
    return;
  }
  scale_and_add(on, -how.lr * scale, gradient, 1.0f - how.lr * how.weight_decay,
      parameters);
}

} // namespace

void descend(device_stream& on, const descent& how, lanes gradient, bool moving,
    lanes velocity, lanes parameters, const drift& more) {
  assert(gradient.size == parameters.size);
  assert((how.pull == 0.0f || more.start.size == parameters.size) &&
         "a pull leads somewhere");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::descend(
          on, how, gradient, moving, velocity, parameters, more);
  for (std::size_t i = 0; i < parameters.count; ++i) {
    auto mine = how;
    if (const auto* step = parameters.steps ? parameters.steps + i : nullptr) {
      if (step->rows == 0 || step->completes == 0)
        continue;
      mine.lr = step->rate;
      moving = step->moving != 0;
    }
    if (how.pull > 0.0f)
      pull_back(how.pull, more.start[i], parameters[i], gradient[i]);
    if (more.correction.size > 0)
      correct(more.correction[i], gradient[i]);
    descend_one(on, mine, gradient[i], moving,
        velocity.size > 0 ? velocity[i] : std::span<float>{}, parameters[i]);
  }
}

} // namespace troupe::gpu
