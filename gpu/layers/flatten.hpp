#pragma once

#include "gpu/layers/layer.hpp"

namespace troupe::gpu {

/// Turns an image into a vector, channel by channel as PyTorch does, so that
/// the linear layer behind it has PyTorch's weights.
class flatten : public layer {
public:
  explicit flatten(extents sample) : sample_(sample) {}

  extents output() const override { return {1, 1, sample_.size()}; }
  void forward(device_stream& on, const_lanes parameters, const_matrix in,
      matrix out, const layer_memory& with) const override;
  void backward(device_stream& on, const_lanes parameters, const_matrix in,
      const_matrix out, matrix out_gradient, matrix in_gradient,
      gradient_sink to, const layer_memory& with) const override;

private:
  extents sample_;
};

} // namespace troupe::gpu
