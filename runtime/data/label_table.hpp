#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gpu/training/dataset.hpp"

namespace troupe::data {

/// How many samples of each class each client has.
struct label_table {
  std::size_t clients = 0;
  std::size_t classes = 0;
  std::vector<std::uint32_t> counts; ///< clients x classes, row-major

  std::uint32_t count(std::size_t client, std::size_t label) const {
    return counts[client * classes + label];
  }
};

label_table tabulate(std::span<const training::view> clients);

/// For people: a line a client, at most `rows` of them, and the sums.
std::string to_text(const label_table& table, std::size_t rows = 20);

} // namespace troupe::data
