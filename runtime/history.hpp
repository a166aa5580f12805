#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocols/ids.hpp"

namespace troupe {

/// One scored version: a row of `history.csv`.
struct history_row {
  version_id version = 0;
  double seconds = 0.0; ///< of training, over all processes of the run
  double loss = 0.0;
  double accuracy = 0.0;
  double training_loss = 0.0; ///< mean over the version's updates
  std::uint64_t updates = 0;  ///< accepted so far

  friend bool operator==(const history_row&, const history_row&) = default;
};

std::string history_header();
std::string to_csv(const history_row& row);

/// The rows of a history; lines that are not rows are left out, since the
/// journal tells the same.
std::vector<history_row> parse_history(std::string_view csv);

/// The row of the highest accuracy, the first of equals; null: there is none.
const history_row* best_of(const std::vector<history_row>& rows) noexcept;

} // namespace troupe
