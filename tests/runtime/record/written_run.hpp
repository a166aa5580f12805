#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "runtime/configuration/configuration.hpp"
#include "runtime/record/history.hpp"
#include "runtime/record/summary.hpp"

namespace troupe::tests {

inline void write_text(
    const std::filesystem::path& file, const std::string& text) {
  std::ofstream{file, std::ios::binary} << text;
}

/// A run's directory at `root`, with as much in it as comparing reads.
inline void write_run(const std::filesystem::path& root,
    const configuration& what, const std::vector<history_row>& rows) {
  std::filesystem::create_directories(root);
  write_text(root / "config.toml", to_toml(what));
  auto csv = history_header();
  for (const auto& row : rows)
    csv += to_csv(row);
  write_text(root / "history.csv", csv);
}

/// The summary of a run that was done at `version`.
inline void write_summary(const std::filesystem::path& root, version_id version,
    std::uint64_t updates, double seconds) {
  run_report report;
  report.version = version;
  report.updates = updates;
  report.training_seconds = seconds;
  write_text(root / "summary.json", to_json(summary{}, report));
}

/// Versions 10, 20, ... with these accuracies, 2 seconds and 50 updates each.
inline std::vector<history_row> rows_of(const std::vector<double>& accuracies) {
  std::vector<history_row> rows;
  for (auto accuracy : accuracies) {
    const auto n = rows.size() + 1;
    rows.push_back(
        {n * 10, 2.0 * static_cast<double>(n), 0.5, accuracy, 0.5, n * 50});
  }
  return rows;
}

} // namespace troupe::tests
