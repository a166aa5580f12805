#pragma once

#include <algorithm>
#include <cstddef>

namespace troupe::gpu::cuda {

/// Blocks that share `rounds` of work evenly, each as many as the others but
/// for the last one: at most `most`, and at least one.
constexpr unsigned even_blocks(std::size_t rounds, std::size_t most) {
  const auto of_each = std::max<std::size_t>((rounds + most - 1) / most, 1);
  return static_cast<unsigned>(
      std::max<std::size_t>((rounds + of_each - 1) / of_each, 1));
}

} // namespace troupe::gpu::cuda
