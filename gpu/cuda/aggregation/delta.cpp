#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/cuda/aggregation/operators.hpp"
#include "gpu/cuda/operators.hpp"
#include "gpu/cuda/primitives.hpp"

namespace troupe::gpu::cuda {

std::int32_t to_delta(
    device_stream& on, std::span<float> trained, std::span<const float> given) {
  if (trained.empty())
    return 0;
  auto largest = block<std::uint32_t>(1, on);
  cuda::difference(on, trained, given, trained, largest.span());
  std::uint32_t result = 0;
  copy(on, largest.span(), std::span{&result, 1});
  on.synchronise();
  return static_cast<std::int32_t>(result);
}

std::int32_t largest(device_stream& on, std::span<const float> values) {
  return primitives::largest_magnitude(on, values);
}

} // namespace troupe::gpu::cuda
