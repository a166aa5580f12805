#include "runtime/record/history.hpp"

#include <cinttypes>
#include <cstdio>
#include <variant>

#include <fmt/format.h>

#include "runtime/record/sha256.hpp"

namespace troupe {

std::string history_header(bool clock) {
  return fmt::format("version,seconds,loss,accuracy,training_loss,updates{}\n",
      clock ? ",clock" : "");
}

std::string to_csv(const history_row& row) {
  auto line = fmt::format("{},{:.3f},{},{},{},{}", row.version, row.seconds,
      row.loss, row.accuracy, row.training_loss, row.updates);
  if (row.clock > 0.0)
    line += fmt::format(",{}", row.clock);
  return line += '\n';
}

std::string digest_of(std::span<const history_row> rows) {
  std::string csv;
  for (const auto& row : rows)
    csv += to_csv(row);
  return sha256(std::as_bytes(std::span{csv}));
}

std::vector<history_row> parse_history(std::string_view csv) {
  std::vector<history_row> rows;
  // What has no end may lack digits too.
  for (auto end = csv.find('\n'); end != std::string_view::npos;
       end = csv.find('\n')) {
    std::string line{csv.substr(0, end)};
    history_row row;
    if (std::sscanf(line.c_str(), "%" SCNu64 ",%lf,%lf,%lf,%lf,%" SCNu64 ",%lf",
            &row.version, &row.seconds, &row.loss, &row.accuracy,
            &row.training_loss, &row.updates, &row.clock) >= 6)
      rows.push_back(row);
    csv.remove_prefix(end + 1);
  }
  return rows;
}

// A process counts its seconds from its own start; those before it are the ones
// of the version that it went on from.
void retold_history::take(const fact& what) {
  if (auto* start = std::get_if<facts::run_started>(&what.what)) {
    auto from = versions_.find((*start)->version);
    before_ = from == versions_.end() ? 0.0 : from->second.row.seconds;
  } else if (auto* back = std::get_if<facts::voided>(&what.what)) {
    void_behind(back->version);
  } else if (auto* formed = std::get_if<facts::mesh_formed>(&what.what)) {
    void_behind(formed->step);
  } else if (auto* made = std::get_if<facts::published>(&what.what)) {
    if (made->version == first_ && versions_.empty())
      before_ = first_seconds_ - seconds(what.at.time_since_epoch());
    versions_[made->version] = {
        {made->version, before_ + seconds(what.at.time_since_epoch()), 0, 0,
            made->loss, made->total_updates, made->clock}};
  } else if (auto* score = std::get_if<facts::evaluated>(&what.what)) {
    auto& [row, scored] = versions_[score->version];
    row.version = score->version;
    row.loss = score->loss;
    row.accuracy = score->accuracy;
    scored = true;
  }
}

// A score stays true of a version that stays, though it came behind its state.
void retold_history::void_behind(version_id last) {
  versions_.erase(versions_.upper_bound(last), versions_.end());
}

std::vector<history_row> retold_history::mend(
    const std::vector<history_row>& found) const {
  std::map<version_id, history_row> rows;
  for (const auto& [version, told] : versions_)
    if (told.scored)
      rows[version] = told.row;
  for (const auto& row : found) {
    auto known = rows.find(row.version);
    if (known == rows.end())
      continue;
    // The file knows more exactly when.
    auto told = known->second;
    told.seconds = row.seconds;
    if (told == row)
      known->second = row;
  }
  std::vector<history_row> result;
  for (const auto& [version, row] : rows)
    result.push_back(row);
  return result;
}

const history_row* best_of(const std::vector<history_row>& rows) noexcept {
  const history_row* best = nullptr;
  for (const auto& row : rows)
    if (!best || row.accuracy > best->accuracy)
      best = &row;
  return best;
}

} // namespace troupe
