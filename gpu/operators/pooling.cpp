#include "gpu/operators/pooling.hpp"

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/host/kernels.hpp"

#include <algorithm>
#include <limits>

namespace troupe::gpu {
namespace {

host::pool_job job_of(const pooling& what, activation then) {
  constexpr auto infinity = std::numeric_limits<float>::infinity();
  return {.in_width = what.in.width,
      .channels = what.in.channels,
      .window = what.window,
      .height = what.out().height,
      .width = what.out().width,
      .floor = then == activation::relu ? 0.0f : -infinity};
}

} // namespace

void max_pool(device_stream& on, const pooling& what, activation then,
    const_matrix in, matrix out) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::max_pool(on, what, then, in, out);
  auto job = job_of(what, then);
  for (std::size_t i = 0; i < in.rows; ++i) {
    job.in = in.data + i * in.columns;
    job.out = out.data + i * out.columns;
    host::best_kernels().max_pool(job);
  }
}

void max_pool_backward(device_stream& on, const pooling& what, activation then,
    const_matrix in, const_matrix out, const_matrix out_gradient,
    matrix in_gradient) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::max_pool_backward(
          on, what, then, in, out, out_gradient, in_gradient);
  if (what.in.height % what.window > 0 || what.in.width % what.window > 0)
    std::ranges::fill(in_gradient.span(), 0.0f);
  auto job = job_of(what, then);
  for (std::size_t i = 0; i < in.rows; ++i) {
    job.in = in.data + i * in.columns;
    job.largest = out.data + i * out.columns;
    job.out_gradient = out_gradient.data + i * out.columns;
    job.in_gradient = in_gradient.data + i * in.columns;
    host::best_kernels().max_pool_backward(job);
  }
}

} // namespace troupe::gpu
