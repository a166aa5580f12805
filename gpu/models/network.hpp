#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "gpu/layers/sequence.hpp"
#include "gpu/models/model.hpp"
#include "gpu/models/trace.hpp"

namespace troupe::models {

/// A model made ready to compute on one device, or some of its layers one
/// behind the other, as a stage of a pipeline has them. Immutable: parameters
/// are passed in as one flat block, and what a batch leaves is in a `trace`.
class network {
public:
  /// Throws `std::invalid_argument` when the model's layers do not fit
  /// together.
  explicit network(const model& what, gpu::device where = {});
  /// The layers `part` of it, as `layers_of` counts them; at least one.
  network(const model& what, gpu::range part, gpu::device where = {});

  /// Those of its layers, under the names that they have in the whole model;
  /// offsets from 0.
  const gpu::layout& parameters() const noexcept { return parameters_; }
  /// Values of a sample that enter and leave.
  std::size_t inputs() const noexcept { return inputs_; }
  std::size_t outputs() const { return layers_->output().size(); }
  /// Bytes of workspace that a sample of a batch takes, about.
  std::size_t bytes_per_sample() const noexcept;

  /// Writes the parameters that training starts from, in the layout's order:
  /// its part of the whole model's.
  void initialise(std::span<float> parameters, std::uint64_t seed) const;

  /// Rows of `in` are samples, channels first where they enter the model, as
  /// many for each lane of the parameters; it has to stay until `backward`.
  /// What leaves stays until the next `forward` of that trace: the logits, if
  /// the last layer is the model's.
  gpu::const_matrix forward(gpu::device_stream& on, gpu::const_lanes parameters,
      gpu::const_matrix in, trace& left) const;

  /// Takes `left.out_gradient()` back through all layers; the gradient of all
  /// parameters goes to `to`, which may be the parameters themselves. `ready`
  /// hears of each layer's range of it, from the last layer to the first, as
  /// soon as all that makes it final is queued. An `in_gradient` of no rows is
  /// not computed.
  void backward(gpu::device_stream& on, gpu::const_lanes parameters,
      trace& left, gpu::gradient_sink to,
      const std::function<void(const gpu::range&)>& ready = {},
      gpu::matrix in_gradient = {}) const;

private:
  std::optional<gpu::sequence> before_; // whose random numbers come first
  std::optional<gpu::sequence> layers_;
  gpu::layout parameters_;
  std::size_t inputs_;
};

/// How many layers a model computes in: those that are folded into the one
/// before them do not count.
std::size_t layers_of(const model& what);

} // namespace troupe::models
