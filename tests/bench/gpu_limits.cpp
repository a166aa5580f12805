#include "tests/bench/gpu_limits.hpp"

#include <algorithm>
#include <vector>

#include "gpu/buffer.hpp"
#include "gpu/copy.hpp"
#include "gpu/operators/products.hpp"
#include "gpu/random.hpp"
#include "tests/bench/gpu_bench.hpp"

namespace troupe::bench {
namespace {

// Zeroes would cost less power, and so run faster.
void fill(gpu::device_stream& on, std::span<float> with) {
  gpu::random_stream random{1, gpu::stream::user};
  std::vector<float> some(std::size_t{1} << 20);
  for (auto& value : some)
    value = static_cast<float>(random.next() >> 8) * 0x1p-24f - 0.5f;
  for (std::size_t at = 0; at < with.size(); at += some.size()) {
    const auto part = with.subspan(at, std::min(some.size(), with.size() - at));
    gpu::copy<float>(on, std::span{some}.first(part.size()), part);
  }
  on.synchronise();
}

} // namespace

gpu_limits measure_limits(gpu::device_stream& on, std::size_t n, int times) {
  gpu::buffer from{4 * n * n, on}, to{4 * n * n, on};
  fill(on, from.span());
  const auto copying = median_seconds(
      on, times, [&] { gpu::copy<float>(on, from.span(), to.span()); });
  const auto square = [n](gpu::buffer& of, std::size_t at) {
    return gpu::matrix{of.span().subspan(at * n * n, n * n), n, n};
  };
  const auto product = median_seconds(on, times, [&] {
    gpu::multiply(on, square(from, 0), square(from, 1), square(to, 0));
  });
  const auto edge = static_cast<double>(n);
  return {2.0 * static_cast<double>(from.bytes()) / copying,
      2.0 * edge * edge * edge / product};
}

} // namespace troupe::bench
