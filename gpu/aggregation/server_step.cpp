#include "gpu/aggregation/server_step.hpp"

#include <cassert>
#include <cmath>

#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

float second_moment(const server_options& how, float v, float square) {
  if (how.rule == server_rule::fed_adagrad)
    return v + square;
  const auto part = (1.0f - how.beta2) * square;
  if (how.rule == server_rule::fed_adam)
    return how.beta2 * v + part;
  return v > square ? v - part : v < square ? v + part : v;
}

} // namespace

const char* to_string(server_rule what) noexcept {
  switch (what) {
  case server_rule::fed_adagrad:
    return "FedAdagrad";
  case server_rule::fed_yogi:
    return "FedYogi";
  case server_rule::fed_adam:
    return "FedAdam";
  }
  return "unknown server rule";
}

void server_step(device_stream& on, const server_options& how,
    std::span<const float> delta, std::span<float> m, std::span<float> v,
    std::span<float> parameters) {
  assert(delta.size() == parameters.size() && m.size() == parameters.size() &&
         v.size() == parameters.size() && "a step pairs equal blocks");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::server_step(on, how, delta, m, v, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    m[i] = how.beta1 * m[i] + (1.0f - how.beta1) * delta[i];
    v[i] = second_moment(how, v[i], delta[i] * delta[i]);
    parameters[i] += how.lr * m[i] / (std::sqrt(v[i]) + how.tau);
  }
}

} // namespace troupe::gpu
