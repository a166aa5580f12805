#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gpu/buffer.hpp"
#include "gpu/layers/layer.hpp"
#include "gpu/models/model.hpp"
#include "gpu/range.hpp"

namespace troupe::models {

/// A model made ready to compute on one device: its layers and what they leave
/// between forward and backward. It has no parameters of its own; they are
/// passed in as one flat block. Used by one thread, with one stream.
class network {
public:
  /// Throws `std::invalid_argument` when the model's layers do not fit
  /// together.
  explicit network(const model& what, gpu::device where = {});

  const gpu::layout& parameters() const noexcept { return parameters_; }
  /// Bytes of workspace that a sample of a batch takes, about.
  std::size_t bytes_per_sample() const noexcept;

  /// Writes the parameters that training starts from, in the layout's order.
  void initialise(std::span<float> parameters, std::uint64_t seed) const;

  /// Rows of `in` are samples, channels first, as many for each lane of the
  /// parameters; it has to stay until `backward`. The logits stay until the
  /// next `forward`.
  gpu::const_matrix forward(gpu::device_stream& on, gpu::const_lanes parameters,
      gpu::const_matrix in);

  /// Where the gradient by the logits of the last `forward` is to be written.
  gpu::matrix logits_gradient();

  /// Takes that gradient back through all layers; the gradient of all
  /// parameters goes to `to`, which may be the parameters themselves. `ready`
  /// hears of each layer's range of it, from the last layer to the first, as
  /// soon as all that makes it final is queued.
  void backward(gpu::device_stream& on, gpu::const_lanes parameters,
      gpu::gradient_sink to,
      const std::function<void(const gpu::range&)>& ready = {});

private:
  /// A layer, where its parameters start, and what it left last.
  struct placed_layer {
    std::unique_ptr<gpu::layer> layer;
    std::size_t offset = 0;
    std::size_t size = 0;
    gpu::buffer out;
  };

  gpu::matrix rows_of(gpu::buffer& all, const placed_layer& of);
  void reserve(gpu::device_stream& on, std::size_t samples);

  gpu::layout parameters_;
  std::vector<placed_layer> layers_;
  std::size_t widest_ = 0;
  std::size_t capacity_ = 0; // samples that the buffers have room for
  gpu::buffer gradients_[2]; // by what a layer leaves, and by what it takes
  gpu::const_matrix in_;     // of the last forward
};

} // namespace troupe::models
