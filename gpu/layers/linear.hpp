#pragma once

#include "gpu/layers/layer.hpp"
#include "gpu/operators/activations.hpp"

namespace troupe::gpu {

/// out = activation(in * weight^T + bias), weight [outputs, inputs].
class linear : public layer {
public:
  linear(std::size_t inputs, std::size_t outputs,
      activation then = activation::none);

  extents output() const override { return {1, 1, outputs_}; }
  layout parameters() const override;
  void initialise(
      std::span<float> parameters, random_stream& random) const override;
  void forward(device_stream& on, const_lanes parameters, const_matrix in,
      matrix out, const layer_memory& with) const override;
  void backward(device_stream& on, const_lanes parameters, const_matrix in,
      const_matrix out, matrix out_gradient, matrix in_gradient,
      gradient_sink to, const layer_memory& with) const override;

private:
  std::size_t weights() const { return inputs_ * outputs_; }

  std::size_t inputs_;
  std::size_t outputs_;
  activation then_;
};

} // namespace troupe::gpu
