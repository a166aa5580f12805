#pragma once

#include "gpu/buffer.hpp"
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
  void initialise(
      std::span<float> parameters, random_stream& random) const override;
  void forward(device_stream& on, const_lanes parameters, const_matrix in,
      matrix out) override;
  void backward(device_stream& on, const_lanes parameters, const_matrix in,
      const_matrix out, matrix out_gradient, matrix in_gradient,
      gradient_sink to) override;

private:
  convolution what_;
  activation then_;
  buffer workspace_;
};

} // namespace troupe::gpu
