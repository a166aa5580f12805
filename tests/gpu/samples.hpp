#pragma once

#include <vector>

#include "gpu/random.hpp"
#include "gpu/training/dataset.hpp"

namespace troupe::testing {

/// Random bytes with random labels: `count` samples of `shape`.
inline training::view random_samples(
    std::size_t count, std::vector<std::size_t> shape, std::size_t classes) {
  training::dataset set;
  set.shape = std::move(shape);
  set.classes = classes;
  gpu::random_stream random{7, gpu::stream::user};
  std::vector<std::uint8_t> bytes(count * set.width());
  for (auto& byte : bytes)
    byte = std::uint8_t(random.below(256));
  set.features = std::move(bytes);
  for (std::size_t i = 0; i < count; ++i)
    set.labels.push_back(std::uint8_t(random.below(std::uint32_t(classes))));
  return training::view{
      std::make_shared<const training::dataset>(std::move(set))};
}

} // namespace troupe::testing
