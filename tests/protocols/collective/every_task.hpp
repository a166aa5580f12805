#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocols/collective/algorithm.hpp"

namespace troupe::tests {

/// Every operation by every algorithm that it is defined for, among so many
/// ranks: with the first, the middle and the last rank as root, with and
/// without pieces.
inline std::vector<collective::task> every_task(
    std::uint32_t ranks, std::size_t count) {
  using collective::operation_kind;
  std::vector<collective::task> result;
  for (std::uint8_t k = 0; k < collective::operation_kinds; ++k)
    for (std::uint8_t h = 0; h < collective::algorithms; ++h) {
      const auto kind = static_cast<operation_kind>(k);
      const auto how = static_cast<collective::algorithm>(h);
      if (!collective::defined(kind, how))
        continue;
      const bool rooted =
          kind == operation_kind::reduce || kind == operation_kind::broadcast ||
          kind == operation_kind::gather || kind == operation_kind::scatter;
      std::vector<std::uint32_t> roots{0};
      if (rooted && ranks > 1)
        roots.insert(roots.end(), {ranks / 2, ranks - 1});
      for (auto root : roots)
        for (std::size_t pieces : {1u, 3u})
          result.push_back({kind, how, ranks, count, root, pieces});
    }
  return result;
}

/// A part for each rank, one behind the other: of up to ten elements, some
/// empty; with salt 1 one rank has all, with salt 2 nobody anything.
inline std::vector<collective::range> uneven_parts(
    std::uint32_t ranks, std::uint32_t salt) {
  std::vector<collective::range> result;
  std::size_t begin = 0;
  for (std::uint32_t r = 0; r < ranks; ++r) {
    const std::size_t size = salt == 0   ? (r * 7 + 3) % 11 * (r % 3 != 1)
                             : salt == 1 ? (r == ranks / 2 ? 23 : 0)
                                         : 0;
    result.push_back({begin, begin + size});
    begin += size;
  }
  return result;
}

inline std::string name_of(const collective::task& x) {
  return std::string{collective::to_string(x.kind)} + " by " +
         collective::to_string(x.how) + ", " + std::to_string(x.ranks) +
         " ranks, count " + std::to_string(x.count) + ", root " +
         std::to_string(x.root) + ", " + std::to_string(x.pieces) + " pieces";
}

} // namespace troupe::tests
