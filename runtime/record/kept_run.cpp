#include "runtime/record/kept_run.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/record/summary.hpp"

namespace troupe {

namespace {

// The last section that every run's file has shows that the file is whole.
configuration configuration_in(const std::filesystem::path& file) {
  auto read = read_effective_configuration(file);
  if (!read)
    throw unreadable_run(fmt::format("{}", fmt::join(read.problems, "\n")));
  if (!read.where.contains("compute.device") &&
      !read.where.contains("compute.devices"))
    throw unreadable_run(fmt::format("{} is torn: it ends before its section "
                                     "[compute]",
        file.string()));
  return std::move(read.value);
}

std::vector<history_row> history_in(
    files& disk, const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file))
    throw unreadable_run(fmt::format("{} is missing: the run has left no "
                                     "history to compare",
        file.string()));
  const auto text = disk.read_all(file);
  if (!text.starts_with(history_header()) &&
      !text.starts_with(history_header(true)))
    throw unreadable_run(
        fmt::format("{} is no history of a run: it does not begin with {}",
            file.string(), history_header().substr(0, 24) + "..."));
  auto rows = parse_history(text);
  // Nothing can be said of others, and every comparison with them fails.
  std::erase_if(rows, [](const auto& row) {
    return !(row.accuracy >= 0.0 && row.accuracy <= 1.0 && row.seconds >= 0.0);
  });
  return rows;
}

std::optional<summed_end> end_in(
    files& disk, const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file))
    return std::nullopt;
  return end_of(disk.read_all(file));
}

} // namespace

kept_run read_kept_run(files& disk, const run_directory& place) {
  kept_run result{.directory = place.root(),
      .config = configuration_in(place.config()),
      .history = history_in(disk, place.history()),
      .outcome = "unfinished"};
  if (!result.history.empty()) {
    const auto& last = result.history.back();
    result.version = last.version;
    result.updates = last.updates;
    result.seconds = last.seconds;
  }
  if (auto end = end_in(disk, place.summary());
      end && end->version >= result.version) {
    result.outcome = end->outcome;
    result.version = end->version;
    result.updates = end->updates;
    result.seconds = std::max(result.seconds, end->seconds);
  }
  if (files::holder(place.root()) != 0)
    result.outcome = "running";
  return result;
}

} // namespace troupe
