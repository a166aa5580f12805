#include "gpu/copy.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/array.hpp"
#include "gpu/cuda/launch.hpp"
#include "gpu/fixed_point.hpp"

namespace troupe::gpu::cuda {
namespace {

constexpr unsigned threads = 256;

__device__ void keep_largest(int most, int* largest) {
  for (int lanes = 16; lanes > 0; lanes /= 2)
    most = max(most, __shfl_xor_sync(0xffffffff, most, lanes));
  if (threadIdx.x % 32 == 0)
    atomicMax(largest, most);
}

__global__ void __launch_bounds__(threads) to_delta_kernel(
    float* __restrict__ trained, const float* __restrict__ given,
    std::size_t size, int* __restrict__ largest) {
  const auto step = std::size_t{gridDim.x} * threads;
  int most = 0;
  for (auto i = std::size_t{blockIdx.x} * threads + threadIdx.x; i < size;
       i += step) {
    const auto delta = trained[i] - given[i];
    trained[i] = delta;
    most = max(most, __float_as_int(delta) & fixed_point::magnitude_mask);
  }
  keep_largest(most, largest);
}

__global__ void __launch_bounds__(threads)
    largest_kernel(const float* __restrict__ values, std::size_t size,
        int* __restrict__ largest) {
  const auto step = std::size_t{gridDim.x} * threads;
  int most = 0;
  for (auto i = std::size_t{blockIdx.x} * threads + threadIdx.x; i < size;
       i += step)
    most = max(most, __float_as_int(values[i]) & fixed_point::magnitude_mask);
  keep_largest(most, largest);
}

// Launches what leaves a maximum in device memory, and fetches it.
template <class Launch>
std::int32_t fetched_largest(device_stream& on, Launch&& queue) {
  auto largest = array<std::int32_t>(1, on);
  check(cudaMemsetAsync(largest.data(), 0, sizeof(std::int32_t), handle(on)));
  queue(largest.data());
  std::int32_t result = 0;
  copy(on, largest.span(), std::span{&result, 1});
  on.synchronise();
  return result;
}

} // namespace

std::int32_t to_delta(
    device_stream& on, std::span<float> trained, std::span<const float> given) {
  if (trained.empty())
    return 0;
  return fetched_largest(on, [&](std::int32_t* most) {
    launch(on, to_delta_kernel, blocks_for(trained.size(), threads), threads,
        trained.data(), given.data(), trained.size(), most);
  });
}

std::int32_t largest(device_stream& on, std::span<const float> values) {
  if (values.empty())
    return 0;
  return fetched_largest(on, [&](std::int32_t* most) {
    launch(on, largest_kernel, blocks_for(values.size(), threads), threads,
        values.data(), values.size(), most);
  });
}

} // namespace troupe::gpu::cuda
