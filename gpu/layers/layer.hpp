#pragma once

#include <memory>
#include <span>
#include <vector>

#include "gpu/device_stream.hpp"
#include "gpu/layout.hpp"
#include "gpu/random.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// One step of a network, for batches of up to as many samples as it was made
/// for. Rows of `in`, `out` and the gradients are samples, as many for each
/// lane of the parameters; images have their channels last. `backward` belongs
/// to the last `forward`, whose workspaces it may use: a layer is used by one
/// thread, forward then backward.
class layer {
public:
  virtual ~layer() = default;

  /// One sample, as it leaves.
  virtual extents output() const = 0;
  /// Names without the layer's own ("weight", "bias"); offsets from 0.
  virtual layout parameters() const { return {}; }
  /// Writes what training starts from; `parameters` is on the host.
  virtual void initialise(std::span<float>, random_stream&) const {}

  virtual void forward(device_stream& on, const_lanes parameters,
      const_matrix in, matrix out) = 0;

  /// `out_gradient` may be overwritten. An `in_gradient` of no rows is not
  /// computed. The sink may lead to `parameters` themselves: the gradient of
  /// the input is that of the parameters before they change.
  virtual void backward(device_stream& on, const_lanes parameters,
      const_matrix in, const_matrix out, matrix out_gradient,
      matrix in_gradient, gradient_sink to) = 0;
};

using layers = std::vector<std::unique_ptr<layer>>;

/// Uniform in [-1/sqrt(fan_in), 1/sqrt(fan_in)), as PyTorch starts its linear
/// and convolution layers, weights and biases alike.
void initialise_uniform(
    std::span<float> parameters, std::size_t fan_in, random_stream& random);

} // namespace troupe::gpu
