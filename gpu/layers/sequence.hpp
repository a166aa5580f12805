#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gpu/layers/layer.hpp"
#include "gpu/range.hpp"

namespace troupe::gpu {

/// A layer, under the name that its parameters go by.
struct named_layer {
  std::string name; ///< "conv1", "fc2"; empty where there are no parameters
  std::unique_ptr<layer> computes;
};

/// Layers one behind the other, at least one; their parameters too.
class sequence : public layer {
public:
  explicit sequence(std::vector<named_layer> of);

  extents output() const override;
  layout parameters() const override { return parameters_; }
  void initialise(
      std::span<float> parameters, random_stream& random) const override;
  std::size_t kept(std::size_t samples) const override;
  std::size_t workspace(std::size_t samples) const override;
  void forward(device_stream& on, const_lanes parameters, const_matrix in,
      matrix out, const layer_memory& with) const override;
  void backward(device_stream& on, const_lanes parameters, const_matrix in,
      const_matrix out, matrix out_gradient, matrix in_gradient,
      gradient_sink to, const layer_memory& with) const override;

  /// The same; `ready` hears of each layer's range of the gradient, from the
  /// last layer to the first, as soon as all that makes it final is queued.
  void backward(device_stream& on, const_lanes parameters, const_matrix in,
      const_matrix out, matrix out_gradient, matrix in_gradient,
      gradient_sink to, const layer_memory& with,
      const std::function<void(const range&)>& ready) const;

  /// Values that leave the layers, all of them added up, and the most.
  std::size_t values_between() const noexcept { return between_; }
  std::size_t widest() const noexcept { return widest_; }

private:
  struct placed_layer {
    std::unique_ptr<layer> computes;
    range place; // of its parameters
  };
  /// What a layer left, and its own memory, within what was lent.
  struct left {
    matrix out;
    std::span<float> kept;
  };
  std::vector<left> parts_of(
      std::size_t samples, matrix out, std::span<float> kept) const;

  std::vector<placed_layer> layers_;
  layout parameters_;
  std::size_t between_ = 0;
  std::size_t widest_ = 0;
};

} // namespace troupe::gpu
