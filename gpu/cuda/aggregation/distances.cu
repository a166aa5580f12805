#include "gpu/cuda/aggregation/addresses.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/launch.hpp"

namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;

__global__ void __launch_bounds__(threads) pack_kernel(const addresses from,
    std::size_t first, float* __restrict__ to, std::size_t columns) {
  each(columns, [&](std::size_t i) {
    const auto origin = __ldg(from.of[0] + first + i);
    for (unsigned j = 0; j < from.count; ++j)
      to[j * columns + i] = __ldg(from.of[j] + first + i) - origin;
  });
}

__global__ void __launch_bounds__(threads)
    add_product_kernel(const float* __restrict__ product, bool is_first,
        double* __restrict__ sums, std::size_t size) {
  each(size, [=](std::size_t i) {
    sums[i] = (is_first ? 0.0 : sums[i]) + static_cast<double>(product[i]);
  });
}

} // namespace

void pack_differences(
    device_stream& on, updates of, std::size_t first, matrix to) {
  if (to.size() > 0)
    launch(on, pack_kernel,
        blocks_for(on, pack_kernel, threads, to.columns, threads), threads,
        addresses_of(of), first, to.data, to.columns);
}

void add_product(device_stream& on, std::span<const float> product,
    bool is_first, std::span<double> sums) {
  if (!sums.empty())
    launch(on, add_product_kernel,
        blocks_for(on, add_product_kernel, threads, sums.size(), threads),
        threads, product.data(), is_first, sums.data(), sums.size());
}

} // namespace troupe::gpu::cuda
