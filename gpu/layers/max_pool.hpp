#pragma once

#include "gpu/layers/layer.hpp"
#include "gpu/operators/pooling.hpp"

namespace troupe::gpu {

/// The largest of each window, then an activation.
class max_pool_layer : public layer {
public:
  explicit max_pool_layer(pooling what, activation then = activation::none)
      : what_(what), then_(then) {}

  extents output() const override { return what_.out(); }
  void forward(device_stream& on, const_lanes parameters, const_matrix in,
      matrix out, const layer_memory& with) const override;
  void backward(device_stream& on, const_lanes parameters, const_matrix in,
      const_matrix out, matrix out_gradient, matrix in_gradient,
      gradient_sink to, const layer_memory& with) const override;

private:
  pooling what_;
  activation then_;
};

} // namespace troupe::gpu
