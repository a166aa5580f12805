#include "gpu/operators/convolution.hpp"

#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/presence.hpp"
#include "gpu/host/each_lane.hpp"
#include "gpu/host/scatter.hpp"
#include "gpu/host/slide.hpp"

#include <algorithm>
#include <limits>

namespace troupe::gpu {
namespace {

constexpr auto no_floor = -std::numeric_limits<float>::infinity();

/// Where PyTorch's order of weights has one of them.
std::size_t place(const convolution& what, std::size_t out, std::size_t in,
    std::size_t y, std::size_t x) {
  return ((out * what.in.channels + in) * what.kernel + y) * what.kernel + x;
}

/// The kernel turned around slides over the gradient by the output.
void slide_turned(const convolution& what, std::span<const float> weight,
    const_matrix out_gradient, matrix in_gradient, float* workspace) {
  const auto last = what.kernel - 1;
  const host::packed_weights turned{
      workspace, what.in.channels, what.channels, what.kernel};
  turned.each([&](float& to, auto in, auto out, auto y, auto x) {
    to = weight[place(what, out, in, last - y, last - x)];
  });
  host::slide({.in = what.out(),
                  .out = what.in,
                  .padding = last - what.padding,
                  .weights = turned,
                  .start = nullptr,
                  .floor = no_floor},
      out_gradient, in_gradient, workspace + turned.size());
}

void scatter_windows(const convolution& what, std::span<const float> weight,
    const_matrix out_gradient, matrix in_gradient, float* workspace) {
  auto* to = workspace;
  for (std::size_t y = 0; y < what.kernel; ++y)
    for (std::size_t out = 0; out < what.channels; ++out)
      for (std::size_t x = 0; x < what.kernel; ++x)
        for (std::size_t in = 0; in < what.in.channels; ++in)
          *to++ = weight[place(what, out, in, y, x)];
  host::scatter({.in = what.in,
                    .out = what.out(),
                    .kernel = what.kernel,
                    .weights = workspace},
      out_gradient, in_gradient, to);
}

void convolve_one(const convolution& what, std::span<const float> weight,
    std::span<const float> bias, activation then, const_matrix in, matrix out,
    std::span<float> workspace) {
  const host::packed_weights packed{
      workspace.data(), what.channels, what.in.channels, what.kernel};
  packed.each([&](float& to, auto o, auto i, auto y, auto x) {
    to = weight[place(what, o, i, y, x)];
  });
  host::slide({.in = what.in,
                  .out = what.out(),
                  .padding = what.padding,
                  .weights = packed,
                  .start = bias.data(),
                  .floor = then == activation::relu ? 0.0f : no_floor},
      in, out, workspace.data() + packed.size());
}

void input_gradient_of_one(const convolution& what,
    std::span<const float> weight, const_matrix out_gradient,
    matrix in_gradient, std::span<float> workspace) {
  if (what.padding == 0)
    scatter_windows(what, weight, out_gradient, in_gradient, workspace.data());
  else
    slide_turned(what, weight, out_gradient, in_gradient, workspace.data());
}

void weight_gradient_of_one(const convolution& what, const_matrix in,
    const_matrix out_gradient, gradient_sink to, std::span<float> workspace) {
  const host::packed_weights sums{
      workspace.data(), what.channels, what.in.channels, what.kernel};
  std::fill_n(sums.data, sums.size(), 0.0f);
  host::slide_backward({.in = what.in,
                           .out = what.out(),
                           .padding = what.padding,
                           .weights = sums},
      in, out_gradient, workspace.data() + sums.size());
  sums.each([&](float& sum, auto o, auto i, auto y, auto x) {
    auto& into = to.destination.data[place(what, o, i, y, x)];
    into = to.beta == 0.0f ? to.alpha * sum : to.alpha * sum + to.beta * into;
  });
}

} // namespace

std::size_t convolution::workspace() const noexcept {
  return weights() + std::max({host::padded_size(in, padding),
                         host::padded_size(out(), kernel - 1 - padding),
                         out().height * out().width * kernel * in.channels});
}

void convolve(device_stream& on, const convolution& what, const_lanes weight,
    const_lanes bias, activation then, const_matrix in, matrix out,
    std::span<float> workspace) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::convolve(on, what, weight, bias, then, in, out);
  host::each_lane(
      weight, in, [&](std::size_t i, std::size_t first, std::size_t n) {
        convolve_one(what, weight[i], bias[i], then, in.slice(first, n),
            out.slice(first, n), workspace);
      });
}

void convolve_backward_input(device_stream& on, const convolution& what,
    const_lanes weight, const_matrix out_gradient, matrix in_gradient,
    std::span<float> workspace) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::convolve_backward_input(
          on, what, weight, out_gradient, in_gradient);
  host::each_lane(weight, out_gradient,
      [&](std::size_t i, std::size_t first, std::size_t n) {
        input_gradient_of_one(what, weight[i], out_gradient.slice(first, n),
            in_gradient.slice(first, n), workspace);
      });
}

void convolve_backward_weight(device_stream& on, const convolution& what,
    const_matrix in, const_matrix out_gradient, gradient_sink to,
    std::span<float> workspace) {
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::convolve_backward_weight(on, what, in, out_gradient, to);
  host::each_lane(
      to.destination, in, [&](std::size_t i, std::size_t first, std::size_t n) {
        weight_gradient_of_one(what, in.slice(first, n),
            out_gradient.slice(first, n), to.lane(i), workspace);
      });
}

} // namespace troupe::gpu
