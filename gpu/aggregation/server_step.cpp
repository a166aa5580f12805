#include "gpu/aggregation/server_step.hpp"

#include <cassert>
#include <cmath>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {
namespace {

// fed_avgm: the new momentum, and the step that it makes.
void move(const server_options& how, const exact_mean& delta,
    const server_blocks<const float>& from, const server_blocks<float>& to) {
  for (std::size_t i = 0; i < to.parameters.size(); ++i) {
    const auto d = static_cast<double>(delta.sums[i]) / delta.denominator;
    const auto m = how.momentum * static_cast<double>(from.momentum[i]) + d;
    const auto step = how.nesterov ? d + how.momentum * m : m;
    to.momentum[i] = static_cast<float>(m);
    to.parameters[i] = static_cast<float>(
        static_cast<double>(from.parameters[i]) + how.lr * step);
  }
}

double second_moment(const server_options& how, double v, double square) {
  if (how.rule == server_rule::fed_adagrad)
    return v + square;
  const auto part = (1.0 - how.beta2) * square;
  if (how.rule == server_rule::fed_adam)
    return how.beta2 * v + part;
  return v > square ? v - part : v < square ? v + part : v;
}

void adapt(const server_options& how, const exact_mean& delta,
    const server_blocks<const float>& from, const server_blocks<float>& to) {
  for (std::size_t i = 0; i < to.parameters.size(); ++i) {
    const auto d = static_cast<double>(delta.sums[i]) / delta.denominator;
    const auto m = how.momentum * static_cast<double>(from.momentum[i]) +
                   (1.0 - how.momentum) * d;
    const auto v =
        second_moment(how, static_cast<double>(from.variance[i]), d * d);
    to.momentum[i] = static_cast<float>(m);
    to.variance[i] = static_cast<float>(v);
    to.parameters[i] =
        static_cast<float>(static_cast<double>(from.parameters[i]) +
                           how.lr * m / (std::sqrt(v) + how.epsilon));
  }
}

} // namespace

const char* to_string(server_rule what) noexcept {
  switch (what) {
  case server_rule::average:
    return "average";
  case server_rule::fed_avgm:
    return "FedAvgM";
  case server_rule::fed_adagrad:
    return "FedAdagrad";
  case server_rule::fed_adam:
    return "FedAdam";
  case server_rule::fed_yogi:
    return "FedYogi";
  }
  return "unknown server rule";
}

std::vector<std::string_view> state_names(const server_options& how) {
  std::vector<std::string_view> result;
  if (how.rule != server_rule::average)
    result.push_back("momentum");
  if (how.rule > server_rule::fed_avgm)
    result.push_back("variance");
  if (how.variate != variate_use::none)
    result.push_back("variate");
  return result;
}

float initial_state(const server_options& how, std::string_view name) noexcept {
  return name == "variance" ? static_cast<float>(how.epsilon * how.epsilon)
                            : 0.0f;
}

void server_step(device_stream& on, const server_options& how,
    const exact_mean& delta, const server_blocks<const float>& from,
    const server_blocks<float>& to) {
  assert(how.rule != server_rule::average && "an average takes no step");
  assert(delta.sums.size() == to.parameters.size() &&
         from.parameters.size() == to.parameters.size() &&
         from.momentum.size() == to.parameters.size() &&
         to.momentum.size() == to.parameters.size() &&
         from.variance.size() == to.variance.size() &&
         "a step pairs equal blocks");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::server_step(on, how, delta, from, to);
  if (how.rule == server_rule::fed_avgm)
    move(how, delta, from, to);
  else
    adapt(how, delta, from, to);
}

void move_variate(device_stream& on, variate_use use, const variate_step& how,
    std::span<const std::int64_t> sums, const server_blocks<const float>& from,
    const server_blocks<float>& to) {
  assert(sums.size() == to.variate.size() &&
         from.variate.size() == to.variate.size() &&
         to.parameters.size() == to.variate.size() &&
         "a step pairs equal blocks");
  const auto gain = how.gain / fixed_point::value_scale;
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::move_variate(on, use, {how.keep, gain}, sums, from, to);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto v =
        static_cast<float>(how.keep * static_cast<double>(from.variate[i]) +
                           gain * static_cast<double>(sums[i]));
    to.variate[i] = v;
    if (use == variate_use::leads)
      to.parameters[i] = static_cast<float>(
          static_cast<double>(to.parameters[i]) + static_cast<double>(v));
  }
}

} // namespace troupe::gpu
