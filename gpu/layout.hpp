#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace troupe::gpu {

/// Values of a tensor of this shape.
std::size_t values_in(const std::vector<std::size_t>& shape) noexcept;

/// A named tensor within the flat block of parameters.
struct parameter_view {
  std::string name;               ///< as PyTorch would name it: "fc1.weight"
  std::vector<std::size_t> shape; ///< row-major
  std::size_t offset = 0;         ///< in elements, from the block's start

  std::size_t size() const noexcept;
  friend bool operator==(
      const parameter_view&, const parameter_view&) = default;
};

/// The views tile the block: in order, without gaps or overlap.
using layout = std::vector<parameter_view>;

/// Elements of the whole block.
std::size_t size(const layout& views) noexcept;

/// Appends a view behind the last one and returns its offset.
std::size_t append(
    layout& views, std::string name, std::vector<std::size_t> shape);

} // namespace troupe::gpu
