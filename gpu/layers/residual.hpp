#pragma once

#include <memory>
#include <utility>

#include "gpu/layers/layer.hpp"

namespace troupe::gpu {

/// out = in + inside(in) (He et al. 2016, "Deep Residual Learning"): what is
/// inside leaves samples of the extents that it takes.
class residual : public layer {
public:
  explicit residual(std::unique_ptr<layer> inside)
      : inside_(std::move(inside)) {}

  extents output() const override { return inside_->output(); }
  layout parameters() const override { return inside_->parameters(); }
  void initialise(
      std::span<float> parameters, random_stream& random) const override {
    inside_->initialise(parameters, random);
  }
  std::size_t kept(std::size_t samples) const override;
  std::size_t workspace(std::size_t samples) const override;
  void forward(device_stream& on, const_lanes parameters, const_matrix in,
      matrix out, const layer_memory& with) const override;
  void backward(device_stream& on, const_lanes parameters, const_matrix in,
      const_matrix out, matrix out_gradient, matrix in_gradient,
      gradient_sink to, const layer_memory& with) const override;

private:
  std::unique_ptr<layer> inside_;
};

} // namespace troupe::gpu
