#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocols/pipeline/plan.hpp"

namespace troupe::pipeline::tests {

/// All plans of up to so many ranks, chunks and micro-batches that can be.
inline std::vector<plan> every_plan(std::uint32_t ranks, std::uint32_t chunks,
    std::uint32_t micro_batches, std::uint64_t steps) {
  std::vector<plan> result;
  for (std::uint8_t how = 0; how < policies; ++how)
    for (std::uint32_t p = 1; p <= ranks; ++p)
      for (std::uint32_t v = 1; v <= chunks; ++v)
        for (std::uint32_t m = 1; m <= micro_batches; ++m) {
          const plan each{static_cast<policy>(how), p, v, m, steps};
          if (fault_of(each).empty())
            result.push_back(each);
        }
  return result;
}

inline std::string name_of(const plan& x) {
  return std::string{to_string(x.how)} + ", " + std::to_string(x.ranks) +
         " ranks, " + std::to_string(x.chunks) + " chunks, " +
         std::to_string(x.micro_batches) + " micro-batches, " +
         std::to_string(x.steps) + " steps";
}

} // namespace troupe::pipeline::tests
