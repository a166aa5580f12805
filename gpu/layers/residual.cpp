#include "gpu/layers/residual.hpp"

#include <cassert>

#include "gpu/copy.hpp"
#include "gpu/layers/lent.hpp"
#include "gpu/operators/vectors.hpp"

namespace troupe::gpu {

// What is inside may look at what it left once more.
std::size_t residual::kept(std::size_t samples) const {
  return lent::size(samples * output().size()) + inside_->kept(samples);
}

// The gradient goes two ways, and what is inside may overwrite its own.
std::size_t residual::workspace(std::size_t samples) const {
  return lent::size(samples * output().size()) + inside_->workspace(samples);
}

void residual::forward(device_stream& on, const_lanes parameters,
    const_matrix in, matrix out, const layer_memory& with) const {
  assert(in.size() == out.size() && "a residual keeps its extents");
  lent kept{with.kept};
  const matrix left{kept.take(out.size()), out.rows, out.columns};
  inside_->forward(on, parameters, in, left, {kept.rest(), with.workspace});
  copy<float>(on, in.span(), out.span());
  scale_and_add(on, 1.0f, left.span(), 1.0f, out.span());
}

void residual::backward(device_stream& on, const_lanes parameters,
    const_matrix in, const_matrix out, matrix out_gradient, matrix in_gradient,
    gradient_sink to, const layer_memory& with) const {
  lent kept{with.kept};
  lent workspace{with.workspace};
  const matrix left{kept.take(out.size()), out.rows, out.columns};
  const auto past = workspace.take(out.size());
  if (in_gradient.rows > 0)
    copy<float>(on, out_gradient.span(), past);
  inside_->backward(on, parameters, in, left, out_gradient, in_gradient, to,
      {kept.rest(), workspace.rest()});
  if (in_gradient.rows > 0)
    scale_and_add(on, 1.0f, past, 1.0f, in_gradient.span());
}

} // namespace troupe::gpu
