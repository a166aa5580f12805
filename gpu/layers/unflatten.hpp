#pragma once

#include "gpu/layers/layer.hpp"

namespace troupe::gpu {

/// Turns a vector that holds an image channel by channel, as data sets do, into
/// an image with its channels last, as the layers behind it take.
class unflatten : public layer {
public:
  explicit unflatten(extents sample) : sample_(sample) {}

  extents output() const override { return sample_; }
  void forward(device_stream& on, const_lanes parameters, const_matrix in,
      matrix out, const layer_memory& with) const override;
  void backward(device_stream& on, const_lanes parameters, const_matrix in,
      const_matrix out, matrix out_gradient, matrix in_gradient,
      gradient_sink to, const layer_memory& with) const override;

private:
  extents sample_;
};

} // namespace troupe::gpu
