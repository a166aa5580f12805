#pragma once

#include <cstddef>

#include "gpu/buffer.hpp"
#include "gpu/layers/sequence.hpp"

namespace troupe::models {

/// What one batch leaves in a `network` between forward and backward, and the
/// memory for it, which grows as batches do. One batch at a time; a pipeline
/// has as many traces as it has batches under way. Used with one stream.
class trace {
public:
  /// Where the gradient by what the last forward left is to be written.
  gpu::matrix out_gradient() { return rows_of(out_gradient_); }

private:
  friend class network;

  void begin(gpu::device_stream& on, const gpu::sequence& layers,
      gpu::const_matrix in);
  gpu::matrix out() { return rows_of(out_); }
  gpu::layer_memory memory() { return {kept_.span(), workspace_.span()}; }
  gpu::matrix rows_of(gpu::buffer& all);

  gpu::const_matrix in_;
  std::size_t width_ = 0;    // of what leaves
  std::size_t capacity_ = 0; // samples that the buffers have room for
  gpu::buffer out_;
  gpu::buffer out_gradient_;
  gpu::buffer kept_;
  gpu::buffer workspace_;
};

} // namespace troupe::models
