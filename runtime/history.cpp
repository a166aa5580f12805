#include "runtime/history.hpp"

#include <cinttypes>
#include <cstdio>

#include <fmt/format.h>

namespace troupe {

std::string history_header() {
  return "version,seconds,loss,accuracy,training_loss,updates\n";
}

std::string to_csv(const history_row& row) {
  return fmt::format("{},{:.3f},{},{},{},{}\n", row.version, row.seconds,
      row.loss, row.accuracy, row.training_loss, row.updates);
}

std::vector<history_row> parse_history(std::string_view csv) {
  std::vector<history_row> rows;
  while (!csv.empty()) {
    auto end = csv.find('\n');
    std::string line{csv.substr(0, end)};
    history_row row;
    if (std::sscanf(line.c_str(), "%" SCNu64 ",%lf,%lf,%lf,%lf,%" SCNu64,
            &row.version, &row.seconds, &row.loss, &row.accuracy,
            &row.training_loss, &row.updates) == 6)
      rows.push_back(row);
    csv.remove_prefix(end == std::string_view::npos ? csv.size() : end + 1);
  }
  return rows;
}

const history_row* best_of(const std::vector<history_row>& rows) noexcept {
  const history_row* best = nullptr;
  for (const auto& row : rows)
    if (!best || row.accuracy > best->accuracy)
      best = &row;
  return best;
}

} // namespace troupe
