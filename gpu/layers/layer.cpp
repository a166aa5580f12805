#include "gpu/layers/layer.hpp"

#include <cmath>

namespace troupe::gpu {

void initialise_uniform(
    std::span<float> parameters, std::size_t fan_in, random_stream& random) {
  const auto bound = 1.0 / std::sqrt(double(fan_in));
  for (auto& parameter : parameters)
    parameter = float((2.0 * random.uniform() - 1.0) * bound);
}

} // namespace troupe::gpu
