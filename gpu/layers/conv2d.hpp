#pragma once

#include "gpu/layers/layer.hpp"
#include "gpu/operators/convolution.hpp"

namespace troupe::gpu {

/// A convolution with a bias a channel, then an activation.
class conv2d : public layer {
public:
  explicit conv2d(
      convolution what, activation then = activation::none, device where = {});

  extents output() const override { return what_.out(); }
  layout parameters() const override;
  std::size_t workspace(std::size_t) const override { return workspace_; }
  void initialise(
      std::span<float> parameters, random_stream& random) const override;
  void forward(device_stream& on, const_lanes parameters, const_matrix in,
      matrix out, const layer_memory& with) const override;
  void backward(device_stream& on, const_lanes parameters, const_matrix in,
      const_matrix out, matrix out_gradient, matrix in_gradient,
      gradient_sink to, const layer_memory& with) const override;

private:
  convolution what_;
  activation then_;
  std::size_t workspace_;
};

} // namespace troupe::gpu
