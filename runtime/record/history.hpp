#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "monitoring/history_row.hpp"
#include "protocols/facts.hpp"
#include "protocols/ids.hpp"

namespace troupe {

// `history.csv`: a line that names the columns, then a row a line. A run on a
// virtual clock has a column for it.
std::string history_header(bool clock = false);
std::string to_csv(const history_row& row);

/// SHA-256 of the lines of `rows`, in hexadecimal digits.
std::string digest_of(std::span<const history_row> rows);

/// The rows of a history; lines that are not rows, or not whole, are left out,
/// since the journal tells the same.
std::vector<history_row> parse_history(std::string_view csv);

/// A history made anew from a journal's facts, told in their order.
class retold_history {
public:
  /// From the journal's beginning; or from the line that tells of the version
  /// `first`, at `seconds` of training.
  retold_history() = default;
  retold_history(version_id first, double seconds)
      : first_(first), first_seconds_(seconds) {}

  void take(const fact& what);

  /// The rows that the journal tells, as `found` in a file where that has them
  /// unspoilt: one a version, ascending.
  std::vector<history_row> mend(const std::vector<history_row>& found) const;

private:
  struct entry {
    history_row row;
    bool scored = false;
  };

  void void_behind(version_id last);

  std::map<version_id, entry> versions_;
  double before_ = 0.0; ///< seconds of the processes before
  version_id first_ = 0;
  double first_seconds_ = 0.0;
};

/// The row of the highest accuracy, the first of equals; null: there is none.
const history_row* best_of(const std::vector<history_row>& rows) noexcept;

} // namespace troupe
