#pragma once

#include <cstddef>
#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/layout.hpp"
#include "gpu/random.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// The memory that a call of a layer is lent, as large as the layer says.
struct layer_memory {
  std::span<float> kept;      ///< from a `forward` to its `backward`
  std::span<float> workspace; ///< within one call
};

/// One step of a network. It has no memory: what a batch leaves is its
/// caller's, so that several batches may be under way. Rows of `in`, `out` and
/// the gradients are samples, as many for each lane of the parameters; images
/// have their channels last.
class layer {
public:
  virtual ~layer() = default;

  /// One sample, as it leaves.
  virtual extents output() const = 0;
  /// Names without the layer's own ("weight", "bias"); offsets from 0.
  virtual layout parameters() const { return {}; }
  /// Writes what training starts from; `parameters` is on the host.
  virtual void initialise(std::span<float>, random_stream&) const {}

  /// Values that a batch of so many samples leaves beside `out`.
  virtual std::size_t kept(std::size_t) const { return 0; }
  /// Values of workspace that such a batch takes.
  virtual std::size_t workspace(std::size_t) const { return 0; }

  virtual void forward(device_stream& on, const_lanes parameters,
      const_matrix in, matrix out, const layer_memory& with) const = 0;

  /// `out_gradient` may be overwritten. An `in_gradient` of no rows is not
  /// computed. The sink may lead to `parameters` themselves: the gradient of
  /// the input is that of the parameters before they change.
  virtual void backward(device_stream& on, const_lanes parameters,
      const_matrix in, const_matrix out, matrix out_gradient,
      matrix in_gradient, gradient_sink to, const layer_memory& with) const = 0;
};

/// Uniform in [-1/sqrt(fan_in), 1/sqrt(fan_in)), as PyTorch starts its linear
/// and convolution layers, weights and biases alike.
void initialise_uniform(
    std::span<float> parameters, std::size_t fan_in, random_stream& random);

} // namespace troupe::gpu
