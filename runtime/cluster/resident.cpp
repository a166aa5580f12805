#include "runtime/cluster/resident.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/data/splits.hpp"

namespace troupe::cluster {

training::shared_dataset own_samples(
    const std::string& directory, const residence& at) {
  auto result = data::own_part(directory);
  if (at.classes > 0 && result.classes > at.classes)
    throw std::runtime_error(
        fmt::format("the labels in {} go up to {}, and the run has {} classes",
            directory, result.classes - 1, at.classes));
  if (!std::ranges::equal(result.shape, at.shape) && !at.shape.empty())
    throw std::runtime_error(fmt::format(
        "a sample in {} has {} values, and in the run {}", directory,
        fmt::join(result.shape, " x "), fmt::join(at.shape, " x ")));
  if (at.classes > 0)
    result.classes = at.classes;
  return std::make_shared<const training::dataset>(std::move(result));
}

} // namespace troupe::cluster
