#include "gpu/models/trace.hpp"

namespace troupe::models {

// In the order of the stream that computes: it may still be at what goes.
void trace::begin(
    gpu::device_stream& on, const gpu::sequence& layers, gpu::const_matrix in) {
  in_ = in;
  width_ = layers.output().size();
  if (in.rows <= capacity_)
    return;
  out_ = gpu::buffer{in.rows * width_, on};
  out_gradient_ = gpu::buffer{in.rows * width_, on};
  kept_ = gpu::buffer{layers.kept(in.rows), on};
  workspace_ = gpu::buffer{layers.workspace(in.rows), on};
  capacity_ = in.rows;
}

gpu::matrix trace::rows_of(gpu::buffer& all) {
  return {all.span().first(in_.rows * width_), in_.rows, width_};
}

} // namespace troupe::models
