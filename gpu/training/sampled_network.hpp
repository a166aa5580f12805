#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>

#include "gpu/block.hpp"
#include "gpu/buffer.hpp"
#include "gpu/models/network.hpp"
#include "gpu/training/learner.hpp"

namespace troupe::training {

/// A network on one device, and the memory by which samples of a data set pass
/// through it. What `trainer` and `replica` have in common. Belongs to one
/// thread.
class sampled_network {
public:
  /// Throws `std::invalid_argument` when the layers do not fit together.
  sampled_network(models::model what, gpu::device where);

  gpu::device_stream& stream() noexcept { return on_; }
  const models::model& model() const noexcept { return what_; }
  const models::network& network() const noexcept { return network_; }
  /// How many samples pass together at most; depends on the model alone.
  std::size_t most_together() const noexcept { return most_; }

  /// Passes samples forward. Leaves the gradient of the sum of their losses,
  /// times `scale`, where `backward` takes it from. Answers with these losses,
  /// which are on the device until the next call; whoever calls waits for them
  /// before that.
  std::span<const float> forward(std::span<const float> parameters,
      const view& data, std::span<const std::uint32_t> samples, float scale);

  /// Takes that gradient back, as `models::network` does.
  void backward(std::span<const float> parameters, gpu::gradient_sink to,
      const std::function<void(const gpu::range&)>& ready = {}) {
    network_.backward(on_, parameters, trace_, to, ready);
  }

  /// Sums loss and correct predictions over `data`, as a `learner` does.
  evaluation evaluate(std::span<const float> parameters, const view& data,
      std::stop_token stop);

private:
  struct passed {
    gpu::const_matrix logits;
    std::span<const std::uint8_t> labels;
    std::span<float> losses; // for the loss to write
  };

  void make_room(std::size_t count);
  passed pass(std::span<const float> parameters, const view& data,
      std::span<const std::uint32_t> samples);

  models::model what_;
  gpu::device_stream on_;
  models::network network_;
  models::trace trace_;
  std::size_t width_; // values a sample
  std::size_t most_;
  gpu::buffer features_;
  gpu::buffer losses_;
  gpu::block<std::uint8_t> labels_;
  // What a GPU is given is gathered here first.
  gpu::page_locked<float> gathered_features_;
  gpu::page_locked<std::uint8_t> gathered_labels_;
};

} // namespace troupe::training
