#include "gpu/aggregation/updates.hpp"

#include <stdexcept>
#include <string>

namespace troupe::gpu {

std::size_t common_size(updates of) {
  for (std::size_t i = 1; i < of.size(); ++i)
    if (of[i].size() != of[0].size())
      throw std::invalid_argument{"update " + std::to_string(i) + " has " +
                                  std::to_string(of[i].size()) +
                                  " values, the first one has " +
                                  std::to_string(of[0].size())};
  return of.empty() ? 0 : of[0].size();
}

void expect_few(updates of, const char* operation) {
  if (of.empty() || of.size() > updates_limit)
    throw std::invalid_argument{std::string{operation} + " takes 1 to " +
                                std::to_string(updates_limit) +
                                " updates, not " + std::to_string(of.size())};
}

} // namespace troupe::gpu
