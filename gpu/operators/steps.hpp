#pragma once

#include <span>

#include "gpu/device_stream.hpp"

namespace troupe::gpu {

// What `optimiser` has a range take, as numbers for one step. Every operation
// rounds by itself, in this order: the same bits in any vector, at any place of
// a range, and on every device.

/// g = scale g + weight_decay w;  v = momentum v + g;
/// w = w - rate (nesterov ? g + momentum v : v)
struct sgd_step {
  float rate = 0.0f;
  float scale = 1.0f; ///< of the gradient
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  bool nesterov = false;
};

/// g = scale g;  m = beta1 m + rest1 g;  v = beta2 v + rest2 (g g);
/// w = keep w - (rate m) / (root sqrt(v) + epsilon)
struct adamw_step {
  float rate = 0.0f;  ///< with m's correction
  float scale = 1.0f; ///< of the gradient
  float keep = 1.0f;  ///< what weight decay leaves
  float beta1 = 0.0f;
  float rest1 = 1.0f; ///< 1 - beta1
  float beta2 = 0.0f;
  float rest2 = 1.0f;
  float root = 1.0f; ///< v's correction
  float epsilon = 0.0f;
};

/// Without momentum `velocity` is empty, and v is g.
void step(device_stream& on, const sgd_step& how,
    std::span<const float> gradient, std::span<float> velocity,
    std::span<float> parameters);

void step(device_stream& on, const adamw_step& how,
    std::span<const float> gradient, std::span<float> first_moment,
    std::span<float> second_moment, std::span<float> parameters);

} // namespace troupe::gpu
