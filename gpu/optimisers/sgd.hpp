#pragma once

#include <cstddef>
#include <span>

#include "gpu/buffer.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/operators/descent.hpp"
#include "gpu/tensor.hpp"

namespace troupe::gpu {

/// Stochastic gradient descent as PyTorch has it. With the gradient g of all
/// parameters w, each step does, in this order:
///   g = g + pull * (w - start)        if pull > 0, start: w at the first step
///   g = g + correction                if there is one
///   g = g * min(1, clip / |g|)        if clip > 0, |g| the norm over all of g
///   g = g + weight_decay * w
///   v = momentum * v + g, g = v       if momentum > 0; v starts at 0
///   w = w - lr * g
/// The pull is FedProx's (Li et al. 2020, section 3.2): as a part of the loss,
/// which weight decay is not, it counts for the norm; a correction too.
/// Where neither these, clipping nor momentum needs the whole gradient, nor a
/// batch comes in parts, the step folds into the backward pass: the sink then
/// leads straight to the parameters, and no gradient is ever stored.
class sgd {
public:
  using options = descent;

  /// For a block of `size` parameters. Used with one stream.
  sgd(options how, std::size_t size);

  /// Begins anew, at rest, from where the next step is taken; keeps the memory.
  /// `correction` is on the host, and is copied; empty: there is none.
  void restart(
      device_stream& on, options how, std::span<const float> correction = {});

  /// Where the backward pass of part `part` of a batch in `parts` is to leave
  /// the gradient by `parameters`.
  gradient_sink sink(device_stream& on, std::span<float> parameters,
      std::size_t part = 0, std::size_t parts = 1);

  /// Completes the step once all parts went through the sink.
  void step(device_stream& on, std::span<float> parameters);

private:
  buffer& made(device_stream& on, buffer& which) const;

  options how_;
  std::size_t size_;
  bool folded_ = false; // the last sink led to the parameters
  bool moving_ = false; // velocity_ and start_ hold what they are for
  buffer gradient_;
  buffer velocity_;
  bool corrects_ = false; // correction_ holds what it is for
  buffer correction_;
  buffer start_;
};

} // namespace troupe::gpu
