#pragma once

#include "runtime/data/partition.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::tests {

/// Samples of these labels, with a value each.
inline training::view labelled(
    std::vector<std::uint8_t> labels, std::size_t classes) {
  training::dataset set{.shape = {1},
      .classes = classes,
      .features = std::vector<std::uint8_t>(labels.size()),
      .labels = std::move(labels)};
  return training::view{
      std::make_shared<const training::dataset>(std::move(set))};
}

/// Labels come in turns: 0, 1, .., 0, 1, ..
inline training::view labelled(std::size_t samples, std::size_t classes) {
  std::vector<std::uint8_t> labels;
  for (std::size_t i = 0; i < samples; ++i)
    labels.push_back(static_cast<std::uint8_t>(i % classes));
  return labelled(std::move(labels), classes);
}

inline std::vector<std::uint32_t> indices_of(const data::partition& parts) {
  std::vector<std::uint32_t> result;
  for (const auto& part : parts)
    for (std::size_t i = 0; i < part.size(); ++i)
      result.push_back(part.index(i));
  return result;
}

inline std::vector<std::size_t> sizes_of(const data::partition& parts) {
  std::vector<std::size_t> result;
  for (const auto& part : parts)
    result.push_back(part.size());
  return result;
}

/// The property: every sample at one client, and none without.
inline bool divides(
    const training::view& samples, const data::partition& parts) {
  auto found = indices_of(parts);
  auto wanted = indices_of({samples});
  std::sort(found.begin(), found.end());
  std::sort(wanted.begin(), wanted.end());
  return found == wanted && std::none_of(parts.begin(), parts.end(),
                                [](const auto& part) { return part.empty(); });
}

} // namespace troupe::tests
