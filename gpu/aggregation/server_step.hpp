#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gpu/aggregation/variate_step.hpp"
#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// What a server does with the mean of the deltas. FedAvgM: Hsu et al. 2019,
/// "Measuring the Effects of Non-Identical Data Distribution", arXiv
/// 1909.06335. The adaptive ones: Reddi et al. 2021, "Adaptive Federated
/// Optimization", arXiv 2003.00295, Algorithm 2.
enum class server_rule : std::uint8_t {
  average,
  fed_avgm,
  fed_adagrad,
  fed_adam,
  fed_yogi,
};

const char* to_string(server_rule what) noexcept;

/// The papers' symbols, and their defaults.
struct server_options {
  server_rule rule = server_rule::average;
  double lr = 1.0;                         ///< eta
  double momentum = 0.9;                   ///< beta_1; not for average
  bool nesterov = false;                   ///< fed_avgm
  double beta2 = 0.99;                     ///< fed_adam and fed_yogi
  double epsilon = 1e-3;                   ///< tau, how adaptive: small is more
  variate_use variate = variate_use::none; ///< whatever the rule

  friend bool operator==(
      const server_options&, const server_options&) = default;
};

/// What a server keeps from one version to the next, a value a parameter:
/// nothing, "momentum", or "momentum" and "variance"; and "variate".
std::vector<std::string_view> state_names(const server_options& how);
/// What such a block holds before the first step: zeros, or epsilon^2.
float initial_state(const server_options& how, std::string_view name) noexcept;

/// A mean that is not rounded yet: sums[i] / denominator.
struct exact_mean {
  std::span<const std::int64_t> sums;
  double denominator = 1.0;
};

/// The blocks of one version. Those that its server does not keep are empty.
template <class Value>
struct server_blocks {
  std::span<Value> parameters;
  std::span<Value> momentum;
  std::span<Value> variance;
  std::span<Value> variate{};

  /// Of a name that `state_names` has.
  std::span<Value>& of(std::string_view name) noexcept {
    return name == "momentum"   ? momentum
           : name == "variance" ? variance
                                : variate;
  }
};

/// One step from a version to the next. With d the mean delta, x, m and v the
/// blocks:
///   m = momentum * m + d                                        fed_avgm
///   x = x + lr * m, or, nesterov, x + lr * (d + momentum * m)
///
///   m = momentum * m + (1 - momentum) * d                       the others
///   v = v + d^2                                                 fed_adagrad
///   v = beta2 * v + (1 - beta2) * d^2                           fed_adam
///   v = v - (1 - beta2) * d^2 * sign(v - d^2)                   fed_yogi
///   x = x + lr * m / (sqrt(v) + epsilon)
/// All in double, and every result rounded once to float: the same bits
/// everywhere. fed_avgm without momentum has those of the average. `to` may be
/// `from`. Sizes must agree. Not for the average, which an accumulator
/// publishes by itself.
void server_step(device_stream& on, const server_options& how,
    const exact_mean& delta, const server_blocks<const float>& from,
    const server_blocks<float>& to);

/// Moves the variate of `from` on into that of `to`, by sums of so much a
/// 2^-41; where it `leads` it is added to the parameters of `to`, too, in
/// double, rounded once. `to` may be `from`. Sizes must agree.
void move_variate(device_stream& on, variate_use use, const variate_step& how,
    std::span<const std::int64_t> sums, const server_blocks<const float>& from,
    const server_blocks<float>& to);

} // namespace troupe::gpu
