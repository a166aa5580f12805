#pragma once

#include <cstdint>
#include <span>

#include "gpu/device_stream.hpp"

namespace troupe::gpu {

/// What a server does with the average delta (Reddi et al. 2021, "Adaptive
/// Federated Optimization", arXiv 2003.00295, Algorithm 2). Plain averaging
/// with a server learning rate is `device_accumulator::publish`.
enum class server_rule : std::uint8_t { fed_adagrad, fed_yogi, fed_adam };

const char* to_string(server_rule what) noexcept;

/// The paper's symbols; its defaults.
struct server_options {
  server_rule rule = server_rule::fed_adam;
  float lr = 0.01f; ///< eta
  float beta1 = 0.9f;
  float beta2 = 0.99f; ///< not for fed_adagrad
  float tau = 1e-3f;   ///< how adaptive: small is more
};

/// One step. With d the average delta, m and v what the steps before left (v
/// starts at no less than tau^2):
///   m = beta1 * m + (1 - beta1) * d
///   v = v + d^2                                    fed_adagrad
///   v = v - (1 - beta2) * d^2 * sign(v - d^2)      fed_yogi
///   v = beta2 * v + (1 - beta2) * d^2              fed_adam
///   parameters = parameters + lr * m / (sqrt(v) + tau)
/// Each operation is rounded to float by itself: the same bits everywhere. The
/// sizes must agree.
void server_step(device_stream& on, const server_options& how,
    std::span<const float> delta, std::span<float> m, std::span<float> v,
    std::span<float> parameters);

} // namespace troupe::gpu
